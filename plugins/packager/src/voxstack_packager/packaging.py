"""Writes an addon: exports, measurements, golden vectors, addon.json."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from voxstack.networks import NetworkSpec, Runner
from voxstack_addon_spec import SPEC_VERSION, file_entry, open_addon, validate_config
from voxstack_packager.claims import SOURCE_ERROR, allowed, compared, measure
from voxstack_packager.errors import NoStatefulForm, PackagingError
from voxstack_packager.exporting import export
from voxstack_packager.forms import steps, tensors, with_stateful_form
from voxstack_packager.lengths import output_lengths
from voxstack_packager.measure import Arrays, MakeExamples, relative_error
from voxstack_packager.runners import onnx_runner, pt2_runner
from voxstack_packager.signature import complete, known_sizes, sizes_of
from voxstack_packager.sources import Borrowed, NetworkSource, OnnxSource, Source
from voxstack_packager.speech import SPEECH, Reference, write_speech

CONFIG = "addon.json"

OTHERWISE = "gives another output than the original gave for its golden vectors, so it was not cut out of that right"


def package(
    folder: str | os.PathLike[str],
    *,
    name: str,
    version: str,
    license: str,
    languages: Sequence[str],
    sample_rate: int,
    hop_length: int,
    networks: Sequence[Source | Borrowed],
    stack: Sequence[Mapping[str, Any]] | None = None,
    controls: Mapping[str, Any] | None = None,
    contexts: Mapping[str, Any] | None = None,
    description: str = "",
    files: Mapping[str, str | os.PathLike[str]] | None = None,
    golden_text: str | None = None,
    reference: Reference | None = None,
    replace: bool = False,
    progress: Callable[[str], None] = print,
) -> Path:
    """Make an addon in ``folder``, which is there whole and verified in the end, or not at all.

    :param stack: blocks that turn an utterance into samples; none for an addon that only lends its networks.
    :param files: more files, by their name in the addon: tables, a licence text, ...
    :param golden_text: what the finished voice says for the golden vectors of its whole stack; 4 to 8 seconds with a number, a question
        and a word of no dictionary show most of it. The blocks of its stack must be installed.
    :param reference: the software that the voice comes from; its samples are then the golden vectors, and the voice is refused if it
        synthesizes something else.
    :param replace: take the place of an addon that is in ``folder`` already.
    :param progress: called with a line for each step.
    :raises PackagingError: if a network cannot be exported, or does not do what is claimed of it.
    :raises AddonError: if the addon.json that this would make is not valid.
    """
    head = {"spec_version": SPEC_VERSION, "name": name, "version": version, "license": license}
    head |= {"description": description} if description else {}
    head |= {
        "languages": list(languages),
        "sample_rate": sample_rate,
        "hop_length": hop_length,
        "controls": dict(controls or {}),
    }
    tail = {"contexts": dict(contexts or {}), **({"stack": list(stack)} if stack else {})}
    borrowed = {network.name: network.config for network in networks if isinstance(network, Borrowed)}
    if golden_text is not None and not stack:
        raise PackagingError("golden_text", "needs a stack to say it; give one, or leave it out")
    validate_config(
        {**head, "networks": borrowed, **tail, "files": {}}, f"{name}/{CONFIG}"
    )  # before what takes minutes
    _check_names(networks, speaks=golden_text is not None)
    with whole(Path(folder), replace) as building:
        specs: dict[str, Any] = {}
        for network in networks:
            specs[network.name] = (
                network.config if isinstance(network, Borrowed) else _network(network, building, progress)
            )
        for target, given in (files or {}).items():
            _copy(Path(given), building, target)
        config = written(building, {**head, "networks": specs, **tail})
        if golden_text is not None:
            lenders = [one.lender for one in networks if isinstance(one, Borrowed)]
            config = with_speech(building, config, golden_text, {}, lenders, progress, reference)
    progress(f"{name} {version}: {sum(entry['size'] for entry in config['files'].values()) / 1e6:.1f} MB in {folder}")
    return Path(folder)


def written(building: Path, config: Mapping[str, Any]) -> dict[str, Any]:
    """Write addon.json for the files that are there, and return it; files and golden vectors are listed anew.

    :raises AddonError: if it is not valid.
    """
    paths = [path for path in sorted(building.rglob("*")) if path.is_file() and path != building / CONFIG]
    files = {path.relative_to(building).as_posix(): file_entry(path) for path in paths}
    golden = [file for file in files if file in {SPEECH, *(f"golden/{network}.npz" for network in config["networks"])}]
    made = {**config, "files": files, "golden": golden}
    validate_config(made, f"{made['name']}/{CONFIG}")
    (building / CONFIG).write_text(json.dumps(made, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    with open_addon(building) as addon:
        addon.verify()
    return made


def with_speech(
    building: Path,
    config: Mapping[str, Any],
    text: str,
    controls: Mapping[str, Any],
    lenders: Sequence[Path | None],
    progress: Callable[[str], None],
    reference: Reference | None = None,
) -> dict[str, Any]:
    """Let a finished addon speak, keep what it (or the original) says, and return its addon.json, which lists that."""
    seconds = write_speech(building, text, controls, lenders, progress, reference)
    progress(f"{config['name']}: says {seconds:.1f} s for its golden vectors")
    return written(building, config)


def _check_names(networks: Sequence[Source | Borrowed], speaks: bool) -> None:
    names = [
        *(network.name for network in networks),
        *(["speech"] if speaks else []),
    ]  # golden/speech.npz is what it says
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise PackagingError("networks", f"two are named {twice[0]!r}; rename one")
    for network in networks:
        if isinstance(network, Source):
            network.check()


def _network(source: Source, folder: Path, progress: Callable[[str], None]) -> dict[str, Any]:
    """Export, measure, write golden vectors, and return the network's entry in addon.json."""
    progress(f"{source.name}: exporting")
    reference, entries = export(source, folder, progress)
    progress(
        f"{source.name}: "
        + ", ".join(f"{entry['format']} {_megabytes(entry, folder):.2f} MB" for entry in entries)
        + "; measuring"
    )
    run = onnx_runner(folder / entries[0]["symbol"])
    measured, field = measure(source, run, reference)
    for entry in entries[1:]:
        parameters = folder / entry["parameters"] if "parameters" in entry else None
        other = pt2_runner(folder / entry["symbol"], source.signature, parameters)
        measured[f"{entry['format']}_error"] = compared(source, other, reference)
    _golden(*_example(source, run, measured), folder / "golden" / f"{source.name}.npz")
    streaming = {} if field is None else {"streaming": _streaming(source, field._asdict())}
    if source.autoregressive is not None:
        streaming = {"autoregressive": steps(source.autoregressive, source.signature.inputs)}
    progress(f"{source.name}: {json.dumps({**streaming, 'measured': measured})}")
    spec: dict[str, Any] = {"role": source.role, **({"description": source.description} if source.description else {})}
    signature = source.signature
    spec |= {"inputs": tensors(signature.inputs), "outputs": tensors(signature.outputs), **streaming}
    spec |= with_lengths(source.name, spec, run, source.arrays)
    spec |= {"exports": entries, "measured": {**measured, "weights": "float16" if source.half else "float32"}}
    return _with_form(source, spec, folder, progress)


def _with_form(source: Source, spec: dict[str, Any], folder: Path, progress: Callable[[str], None]) -> dict[str, Any]:
    """The entry with the stateful form that was asked for or, of a graph that is taken as it is, with the one there can be."""
    if isinstance(source, NetworkSource):
        return with_stateful_form(folder, source.name, spec, source.arrays, progress) if source.stateful else spec
    if "left" not in spec.get("streaming", {}):
        return spec
    try:
        return with_stateful_form(folder, source.name, spec, source.arrays, progress)
    except NoStatefulForm as error:
        progress(f"{source.name}: streams in windows; a stateful form there is not: {error.why}")
        return spec


def with_lengths(name: str, spec: Mapping[str, Any], run: Runner, examples: MakeExamples) -> dict[str, Any]:
    """``lengths`` of a network: of output axes of which nothing else says how long they are; nothing where there is none."""
    known = NetworkSpec.of(name, {**spec, "exports": []}, "", Path, trusted=False)
    found = {
        axis: length for axis, length in output_lengths(run, known, examples).items() if known.length(axis) is None
    }
    return {"lengths": found} if found else {}


def _megabytes(entry: Mapping[str, str], folder: Path) -> float:
    return sum((folder / entry[key]).stat().st_size for key in ("symbol", "parameters") if key in entry) / 1e6


def _streaming(source: Source, field: Mapping[str, int]) -> dict[str, Any]:
    return {"axis": source.streaming, **field, **({"input": source.stream_input} if source.stream_input else {})}


def _example(source: Source, run: Runner, measured: dict[str, Any]) -> tuple[Arrays, Arrays]:
    """Inputs and outputs for the golden vectors: the original's where there are such, else what the export gives in ONNX Runtime.

    :raises PackagingError: if the export does not give what the original gave.
    """
    if isinstance(source, OnnxSource) and source.golden is not None:
        inputs, outputs = source.golden
        inputs = complete(inputs, source.signature, known_sizes(inputs, source.signature), f"{source.name}: golden")
        measured["original_error"] = allowed(
            source.name, relative_error(run(**inputs), outputs), SOURCE_ERROR, OTHERWISE
        )
        return inputs, outputs
    inputs = source.arrays(sizes_of(source.signature), seed=7)
    return inputs, run(**inputs)


def _golden(inputs: Arrays, outputs: Arrays, path: Path) -> None:
    """Write one example: arrays ``inputs.NAME`` and ``outputs.NAME``."""
    path.parent.mkdir(exist_ok=True)
    arrays = {f"inputs.{name}": array for name, array in inputs.items()} | {
        f"outputs.{name}": array for name, array in outputs.items()
    }
    np.savez_compressed(path, **arrays)  # type: ignore[arg-type]
    with np.load(path, allow_pickle=False) as read:
        assert relative_error({name: read[f"outputs.{name}"] for name in outputs}, outputs) == 0


def _copy(source: Path, folder: Path, name: str) -> None:
    target = folder / name
    if not source.is_file():
        raise PackagingError(f"files[{name!r}]", f"there is no file {source}; correct the path")
    if target.exists() or not target.resolve().is_relative_to(folder.resolve()) or name == CONFIG:
        raise PackagingError(
            f"files[{name!r}]", "is a file that the packager writes, or lies outside the addon; choose another name"
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


@contextmanager
def whole(folder: Path, replace: bool) -> Iterator[Path]:
    """A folder beside ``folder`` that takes its name if all goes well, and is gone otherwise.

    :raises PackagingError: if something is in its place that may not be replaced.
    """
    if folder.exists() and not (replace and (folder / CONFIG).is_file()):
        what = (
            "holds no addon, so it is left alone; choose another folder"
            if replace
            else "exists; remove it, or say replace=True"
        )
        raise PackagingError(str(folder), what)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as scratch:
        building = Path(scratch, "new")
        building.mkdir()
        yield building
        if folder.exists():
            folder.rename(Path(scratch, "old"))
        building.rename(folder)
