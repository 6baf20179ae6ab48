"""Upgrades of addons from their own files: stateful forms, ``.pt2`` exports, lengths, golden speech, and hashes."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voxstack.networks import NetworkSpec
from voxstack_addon_spec import SPEC_VERSION, open_addon
from voxstack_packager.addon_folder import atomic_folder, verify, write_config
from voxstack_packager.borrowed import Borrowed
from voxstack_packager.errors import NoStatefulForm, PackagingError
from voxstack_packager.export.materialized import materialize
from voxstack_packager.export.pt2_export import export_pt2
from voxstack_packager.export.shared_weights import save_with_external_data
from voxstack_packager.golden_speech import GoldenRequest, read_golden_request
from voxstack_packager.golden_vectors import golden_examples, golden_path
from voxstack_packager.json_entries import lengths_entry
from voxstack_packager.measure.deviation import deviation
from voxstack_packager.measure.measured import SOURCE_LIMIT, WRONG_EXPORT, check_error
from voxstack_packager.packaging import add_contexts, add_golden_speech
from voxstack_packager.runners import module_runner, onnx_runner, ordered_module, pt2_runner
from voxstack_packager.signature import MakeExamples
from voxstack_packager.stateful.stateful_entry import with_stateful_form

if TYPE_CHECKING:
    from torch import nn

OTHER_MODULE = (
    "the module produces another output than the network in the addon: it has other weights, or is another module; "
    "provide the one that was packaged"
)


def upgrade(
    folder: str | os.PathLike[str],
    *,
    version: str | None = None,
    lenders: Iterable[str | os.PathLike[str]] = (),
    modules: Mapping[str, nn.Module] | None = None,
    golden_text: str | None = None,
    contexts_measured: bool = True,
    progress: Callable[[str], None] = print,
) -> Path:
    """Give an addon what packaging would give it now, and write it again in its place.

    That is: the lengths of output axes, the stateful form of each windowed network, golden speech, the contexts in
    which its networks compute something else, and a ``.pt2`` of each network in ``modules``. Golden vectors are the
    examples for measurements. A network without a stateful form stays as it is, and a progress line reports why; a
    network whose form would be the same again stays as it is, too.

    :param version: the new version of the addon; by default the one that it has.
    :param lenders: folders of addons that it borrows from, whose hashes have changed.
    :param modules: torch modules by network, with the weights that are in the addon.
    :param golden_text: text of its golden speech; by default the one that it has.
    :param contexts_measured: as for :func:`.packaging.package`.
    :raises PackagingError: if a form or a module is not exact. The addon is then unchanged.
    :raises AddonError: if the addon is damaged.
    """
    lender_folders, modules = [Path(lender) for lender in lenders], modules or {}
    with open_addon(folder) as files:
        files.verify()
        config = copy.deepcopy(files.config)
        contents = {name: files.read(name) for name in config["files"]}
    _check_modules(modules, config)
    with atomic_folder(Path(folder), replace=True) as scratch:
        for name, content in contents.items():
            (scratch / name).parent.mkdir(parents=True, exist_ok=True)
            (scratch / name).write_bytes(content)
        for name, spec in config["networks"].items():
            config["networks"][name] = _upgrade_network(
                scratch, name, spec, lender_folders, modules.get(name), progress
            )
        config |= {"spec_version": SPEC_VERSION, "version": version or config["version"]}
        config = write_config(scratch, config)
        request = read_golden_request(scratch) if golden_text is None else GoldenRequest(golden_text, {})
        if request is not None:
            config = add_golden_speech(scratch, config, request, lender_folders, progress)
        if contexts_measured:
            add_contexts(scratch, config, lender_folders, progress)
        verify(scratch)
    return Path(folder)


def _check_modules(modules: Mapping[str, nn.Module], config: Mapping[str, Any]) -> None:
    own = [name for name, spec in config["networks"].items() if "addon" not in spec]
    for name in modules:
        if name not in own:
            raise PackagingError(f"modules[{name!r}]", f"belongs to no network of this addon; it has {own}")


def _upgrade_network(
    folder: Path,
    name: str,
    spec: Mapping[str, Any],
    lenders: Iterable[Path],
    module: nn.Module | None,
    progress: Callable[[str], None],
) -> Mapping[str, Any]:
    """Return the upgraded entry of a network, and write its files."""
    if "addon" in spec:
        return _upgrade_borrowed(spec, name, lenders)
    if "states" in spec.get("streaming", {}):  # there is no other form to make
        if module is not None:
            raise PackagingError(f"modules[{name!r}]", "is of a network that streams with states; package it again")
        return spec
    network = NetworkSpec.of(name, spec, "", folder.joinpath, trusted=False)
    examples = golden_examples(folder / golden_path(name), network)
    if module is not None:
        spec = _with_pt2(folder, name, spec, module, examples, progress)
    if "left" in spec.get("streaming", {}):
        spec = _with_new_stateful_form(folder, name, spec, examples, progress)
    if "onnx" not in network.exports:
        return spec
    run = onnx_runner(folder / network.exports["onnx"][0])
    without_lengths = {key: value for key, value in spec.items() if key != "lengths"}
    return _in_order({**spec, **lengths_entry(name, without_lengths, run, examples)})


def _upgrade_borrowed(spec: Mapping[str, Any], name: str, lenders: Iterable[Path]) -> Mapping[str, Any]:
    """Return the entry of a borrowed network, with its new hash if its lender is among ``lenders``."""
    for lender in lenders:
        with open_addon(lender) as files:
            found = files.config["name"] == spec["addon"]
        if found:
            return Borrowed.of(lender, spec["network"], name).config
    return spec


def _with_pt2(
    folder: Path,
    name: str,
    spec: Mapping[str, Any],
    module: nn.Module,
    examples: MakeExamples,
    progress: Callable[[str], None],
) -> dict[str, Any]:
    """Return the entry of a network with a ``.pt2`` that shares the weights of its ONNX export, and write the files.

    :param module: the module that the ONNX export was made of, or one with the same weights.
    :raises PackagingError: if the module produces another output than the export, or torch cannot export it.
    """
    import onnx

    network = NetworkSpec.of(name, spec, "", folder.joinpath, trusted=False)
    if "onnx" not in network.exports:
        raise PackagingError(name, "has no ONNX export to share weights with; package it again")
    half = spec.get("measured", {}).get("weights") == "float16"
    core = materialize(module, half, name)
    symbol = folder / network.exports["onnx"][0]
    reference = module_runner(ordered_module(core, list(network.inputs), list(network.outputs)), network)
    check_error(name, deviation(onnx_runner(symbol), reference, network, examples), SOURCE_LIMIT, OTHER_MODULE)
    plain = save_with_external_data(symbol, onnx.load(symbol))
    export = export_pt2(name, core, network, examples, symbol, folder / plain["parameters"], half)
    path, parameters = folder / export["symbol"], folder / export["parameters"] if "parameters" in export else None
    run = pt2_runner(path, network, parameters)
    error = check_error(name, deviation(run, reference, network, examples), SOURCE_LIMIT, WRONG_EXPORT)
    progress(f"{name}: {export['symbol']}, {path.stat().st_size / 1e3:.1f} kB; pt2_error {error}")
    others = [other for other in spec["exports"] if other["format"] not in ("onnx", "pt2")]
    return {**spec, "exports": [plain, export, *others], "measured": {**spec.get("measured", {}), "pt2_error": error}}


def _with_new_stateful_form(
    folder: Path, name: str, spec: Mapping[str, Any], examples: MakeExamples, progress: Callable[[str], None]
) -> Mapping[str, Any]:
    """Return the entry with the stateful form of this packager; unchanged if that is the same, or impossible."""
    before = _form_content(folder, spec)
    plain = {key: value for key, value in spec.items() if key != "stateful"}
    try:
        upgraded = with_stateful_form(folder, name, plain, examples, progress)
    except NoStatefulForm as error:
        progress(str(error))
        return spec
    return spec if _form_content(folder, upgraded) == before else upgraded


def _form_content(folder: Path, spec: Mapping[str, Any]) -> Any:
    """Return what two equal stateful forms have in common: their entry without measurements, and their graphs."""
    form = {key: value for key, value in spec.get("stateful", {}).items() if key != "measured"}
    return form, [(folder / export["symbol"]).read_bytes() for export in form.get("exports", ())]


def _in_order(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entry of a network with its keys in the order in which packaging writes them."""
    order = ("role", "description", "inputs", "outputs", "streaming", "lengths", "exports", "stateful", "measured")
    measured = dict(sorted(spec.get("measured", {}).items(), key=lambda item: item[0] == "weights"))  # these come last
    ordered = {key: spec[key] for key in order if key in spec}
    return {**ordered, "measured": measured} if measured else ordered
