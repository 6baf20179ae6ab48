"""Brings an addon that is there up to date, from its own files: stateful forms, programs for torch, lengths, golden speech, hashes."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from voxstack.networks import NetworkSpec
from voxstack_addon_spec import SPEC_VERSION, open_addon
from voxstack_packager.claims import DIFFERS, SOURCE_ERROR, allowed
from voxstack_packager.errors import NoStatefulForm, PackagingError
from voxstack_packager.exporting import beside
from voxstack_packager.forms import with_stateful_form
from voxstack_packager.half import baked
from voxstack_packager.measure import MakeExamples, against
from voxstack_packager.packaging import whole, with_lengths, with_speech, written
from voxstack_packager.programs import export_program
from voxstack_packager.runners import module_runner, onnx_runner, ordered_module, pt2_runner
from voxstack_packager.signature import complete, cut_or_repeated
from voxstack_packager.sources import Borrowed
from voxstack_packager.speech import spoken

if TYPE_CHECKING:
    from torch import nn

ANOTHER = "the module gives another output than the network in the addon: it has other weights, or is another one; give that one"


def upgrade(
    folder: str | os.PathLike[str],
    *,
    version: str | None = None,
    lenders: Iterable[str | os.PathLike[str]] = (),
    modules: Mapping[str, nn.Module] | None = None,
    golden_text: str | None = None,
    progress: Callable[[str], None] = print,
) -> Path:
    """Give the networks of an addon what packaging would give them now, and write the addon anew in its place.

    That is the lengths of output axes, the stateful form of each windowed network, golden speech, and a ``.pt2`` where the module is
    given. Examples for measuring are its golden vectors. A network that has no stateful form stays as it is, and the log says why; so
    does one whose form would be the same again.

    :param version: the addon's new version; the same, unless given.
    :param lenders: folders of addons that it borrows from, whose hashes have changed.
    :param modules: torch modules by network, with the weights that are in the addon.
    :param golden_text: what it says for its golden vectors; what it said before, unless given.
    :raises PackagingError: if a form or a module is not exact; :raises AddonError: if the addon is not whole. It is then as it was.
    """
    with open_addon(folder) as files:
        files.verify()
        config = copy.deepcopy(files.config)
        contents = {name: files.read(name) for name in config["files"]}
    own = [name for name, spec in config["networks"].items() if "addon" not in spec]
    for name in modules or {}:
        if name not in own:
            raise PackagingError(f"modules[{name!r}]", f"is of no network of this addon; it has {own}")
    with whole(Path(folder), replace=True) as building:
        for name, content in contents.items():
            (building / name).parent.mkdir(parents=True, exist_ok=True)
            (building / name).write_bytes(content)
        for name, spec in config["networks"].items():
            if "addon" in spec:
                config["networks"][name] = _borrowed(spec, name, lenders)
            else:
                config["networks"][name] = _upgraded(building, name, spec, (modules or {}).get(name), progress)
        config |= {"spec_version": SPEC_VERSION, "version": version or config["version"]}
        config = written(building, config)
        said = spoken(building) if golden_text is None else (golden_text, {})
        if said is not None:
            with_speech(building, config, *said, [Path(lender) for lender in lenders], progress)
    return Path(folder)


def _upgraded(
    folder: Path, name: str, spec: Mapping[str, Any], module: nn.Module | None, progress: Callable[[str], None]
) -> Mapping[str, Any]:
    """The JSON of a network of its own, brought up to date."""
    signed = NetworkSpec.of(name, spec, "", folder.joinpath, trusted=False)
    examples = _examples(folder, name, signed)
    if module is not None:
        spec = with_program(folder, name, spec, module, examples, progress)
    if "left" in spec.get("streaming", {}):
        spec = _with_form(folder, name, spec, examples, progress)
    if "onnx" not in signed.exports:
        return spec
    run = onnx_runner(folder / signed.exports["onnx"][0])
    lengths = with_lengths(name, {key: value for key, value in spec.items() if key != "lengths"}, run, examples)
    return _in_order({**spec, **lengths})


def with_program(
    folder: Path,
    name: str,
    spec: Mapping[str, Any],
    module: nn.Module,
    examples: MakeExamples,
    progress: Callable[[str], None] = print,
) -> dict[str, Any]:
    """Return the JSON of a network with a ``.pt2`` that shares the weights of its ONNX export, and write the files of that.

    :param module: of which the ONNX export was made, or one with the same weights.
    :raises PackagingError: if the module gives another output than the export, or torch cannot export it.
    """
    import onnx

    signed = NetworkSpec.of(name, spec, "", folder.joinpath, trusted=False)
    if "onnx" not in signed.exports:
        raise PackagingError(name, "has no ONNX export to share weights with; package it anew")
    half = spec.get("measured", {}).get("weights") == "float16"
    core = baked(module, half, name)
    symbol = folder / signed.exports["onnx"][0]
    reference = module_runner(ordered_module(core, list(signed.inputs), list(signed.outputs)), signed)
    allowed(name, against(onnx_runner(symbol), reference, signed, examples), SOURCE_ERROR, ANOTHER)
    plain = beside(symbol, onnx.load(symbol))
    program = export_program(name, core, signed, examples, symbol, folder / plain["parameters"], half)
    run = pt2_runner(
        folder / program["symbol"], signed, folder / program["parameters"] if "parameters" in program else None
    )
    error = allowed(name, against(run, reference, signed, examples), SOURCE_ERROR, DIFFERS)
    progress(
        f"{name}: {program['symbol']}, {(folder / program['symbol']).stat().st_size / 1e3:.1f} kB; pt2_error {error}"
    )
    others = [export for export in spec["exports"] if export["format"] not in ("onnx", "pt2")]
    return {**spec, "exports": [plain, program, *others], "measured": {**spec.get("measured", {}), "pt2_error": error}}


def _in_order(spec: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON of a network with its keys in the order in which packaging writes them."""
    order = ("role", "description", "inputs", "outputs", "streaming", "lengths", "exports", "stateful", "measured")
    measured = dict(sorted(spec.get("measured", {}).items(), key=lambda item: item[0] == "weights"))  # these come last
    made = {key: spec[key] for key in order if key in spec}
    return {**made, "measured": measured} if measured else made


def _examples(folder: Path, name: str, signed: NetworkSpec) -> MakeExamples:
    """Inputs of any size, cut out of the golden vectors.

    They raise a :class:`PackagingError` when they are asked for, if there are none.
    """
    path = folder / "golden" / f"{name}.npz"

    def examples(sizes: Mapping[str, int], seed: int) -> dict[str, np.ndarray]:
        if not path.is_file():
            raise PackagingError(name, f"has no golden vectors ({path.name}) to take examples from; package it anew")
        with np.load(path, allow_pickle=False) as golden:
            shown = {key: golden[f"inputs.{key}"] for key, tensor in signed.inputs.items() if not tensor.mask}
        return complete(cut_or_repeated(shown, signed, sizes, seed, name), signed, sizes, name)

    return examples


def _with_form(
    folder: Path, name: str, spec: Mapping[str, Any], examples: MakeExamples, progress: Callable[[str], None]
) -> Mapping[str, Any]:
    before = _of_form(folder, spec)
    try:
        made = with_stateful_form(
            folder, name, {key: spec[key] for key in spec if key != "stateful"}, examples, progress
        )
    except NoStatefulForm as error:
        progress(str(error))
        return spec
    return spec if _of_form(folder, made) == before else made


def _of_form(folder: Path, spec: Mapping[str, Any]) -> Any:
    """What a stateful form is, if there is one: its JSON, without what was measured of it, and its graphs."""
    form = {key: value for key, value in spec.get("stateful", {}).items() if key != "measured"}
    return form, [(folder / export["symbol"]).read_bytes() for export in form.get("exports", ())]


def _borrowed(spec: Mapping[str, Any], name: str, lenders: Iterable[str | os.PathLike[str]]) -> Mapping[str, Any]:
    for lender in lenders:
        with open_addon(lender) as files:
            found = files.config["name"] == spec["addon"]
        if found:
            return Borrowed.of(lender, spec["network"], name).config
    return spec
