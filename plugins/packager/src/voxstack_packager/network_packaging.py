"""Packaging of one network: its exports, measurements, golden vectors, and entry in addon.json."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from voxstack.networks import Runner
from voxstack_packager.errors import InfiniteField, NoStatefulForm, PackagingError
from voxstack_packager.export.network_export import export_network
from voxstack_packager.golden_vectors import golden_path, write_golden_vectors
from voxstack_packager.json_entries import autoregressive_entry, lengths_entry, tensors_entry
from voxstack_packager.limits import TIME_LIMIT
from voxstack_packager.measure.exactness import relative_error
from voxstack_packager.measure.measured import SOURCE_LIMIT, check_error, measure_whole, measure_windows
from voxstack_packager.measure.other_formats import other_format_errors
from voxstack_packager.measure.receptive_field import ReceptiveField
from voxstack_packager.measure.time_limit import TimeLimit
from voxstack_packager.own_states.own_states_packaging import package_own_states
from voxstack_packager.own_states.state_entries import state_entries
from voxstack_packager.runners import onnx_runner
from voxstack_packager.signature import Arrays, axis_sizes, complete_inputs, default_sizes
from voxstack_packager.sources import NetworkSource, OnnxSource, Source
from voxstack_packager.stateful.stateful_entry import with_stateful_form
from voxstack_packager.stateful.stateful_only import only_stateful

OTHER_OUTPUT = "produces another output than the golden vectors of its original, so it was not extracted correctly"


def package_network(
    source: Source, folder: Path, progress: Callable[[str], None], time_limit: float = TIME_LIMIT
) -> dict[str, Any]:
    """Export and measure a network, write its golden vectors, and return its entry in addon.json.

    :param time_limit: seconds that its measurement may take.
    :raises PackagingError: if it cannot be exported, or an error is above its limit, or the time is.
    """
    if source.states:
        return package_own_states(source, folder, progress, time_limit)
    limit = TimeLimit(source.name, progress, time_limit)
    progress(f"{source.name}: exporting")
    with limit.reporting("exporting"):
        module, exports, fixed = export_network(source, folder, progress)
    sizes = ", ".join(f"{export['format']} {_megabytes(export, folder):.2f} MB" for export in exports)
    progress(f"{source.name}: {sizes}; measuring")
    run, module = limit.watch(onnx_runner(folder / exports[0]["symbol"])), limit.watch(module)
    signature, limit.stage = source.signature, "whole inputs"
    measured = measure_whole(source, run, module)
    limit.stage = "its receptive field and windows"
    field, infinite = _measure_field(source, run, module, measured, progress)
    if fixed:  # it is measured now
        progress(f"{source.name}: the exporter declares {', '.join(fixed)}; the graph computes any size, as declared")
    measured |= other_format_errors(source, folder, exports[1:], module)
    inputs, outputs, original_error = _golden_example(source, run)
    measured |= original_error
    if infinite is None:
        write_golden_vectors(folder / golden_path(source.name), inputs, outputs)
    steps = _steps_entry(source, field, folder)
    progress(f"{source.name}: {json.dumps({**steps, 'measured': measured})}")
    spec: dict[str, Any] = {"role": source.role, **({"description": source.description} if source.description else {})}
    spec |= {"inputs": tensors_entry(signature.inputs), "outputs": tensors_entry(signature.outputs), **steps}
    spec |= lengths_entry(source.name, spec, run, source.example_inputs)
    spec |= {"exports": exports, "measured": {**measured, "weights": "float16" if source.half else "float32"}}
    if infinite is None:
        return _with_stateful_form(source, spec, folder, progress, limit)
    try:
        spec = _only_stateful(source, spec, folder, progress, infinite, limit)
    except InfiniteField as error:
        _note_fallback(source, "streaming", error, measured := dict(spec["measured"]), progress)
        spec["measured"] = measured
    inputs = {name: array for name, array in inputs.items() if name in spec["inputs"]}
    write_golden_vectors(folder / golden_path(source.name), inputs, outputs)
    return spec


def _measure_field(
    source: Source, run: Runner, module: Runner, measured: dict[str, Any], progress: Callable[[str], None]
) -> tuple[ReceptiveField | None, InfiniteField | None]:
    """Return the receptive field of a network that streams, or the error of one without end; add to ``measured``.

    :raises PackagingError: if it cannot stream, unless it may run on whole utterances instead.
    """
    if source.streaming is None:
        return None, None
    try:
        field, measured["chunk_error"] = measure_windows(source, source.streaming, run, module)
    except InfiniteField as error:
        if isinstance(source, NetworkSource) and not source.stateful:
            _note_fallback(source, "streaming", error, measured, progress)
            return None, None
        return None, error
    except PackagingError as error:
        _note_fallback(source, "streaming", error, measured, progress)
        return None, None
    return field, None


def _note_fallback(
    source: Source, form: str, error: PackagingError, measured: dict[str, Any], progress: Callable[[str], None]
) -> None:
    """Report why a network has a simpler form, and keep the reason in ``measured``.

    :param form: that it does not have: ``stateful`` or ``streaming``.
    :raises PackagingError: ``error``, if the network has to have that form.
    """
    if not (isinstance(source, NetworkSource) and source.fallback):
        raise error
    reason = error.why if isinstance(error, NoStatefulForm) else error.problem
    simpler = "streams in windows" if form == "stateful" else "runs on whole utterances"
    progress(f"{source.name}: {simpler}: {reason}")
    measured["fallback"] = {form: reason}


def _only_stateful(
    source: Source,
    spec: Mapping[str, Any],
    folder: Path,
    progress: Callable[[str], None],
    infinite: InfiniteField,
    limit: TimeLimit,
) -> dict[str, Any]:
    """Return the entry of a network that streams in its stateful form only.

    :raises InfiniteField: if it has no stateful form, with the reason.
    """
    streaming = {"axis": source.streaming, **({"input": source.stream_input} if source.stream_input else {})}
    try:
        return only_stateful(folder, source.name, spec, streaming, source.example_inputs, limit, progress)
    except NoStatefulForm as error:
        problem = f"{infinite.problem}. It has no stateful form either: {error.why}"
        raise InfiniteField(source.name, problem) from error


def _megabytes(export: Mapping[str, str], folder: Path) -> float:
    return sum((folder / export[key]).stat().st_size for key in ("symbol", "parameters") if key in export) / 1e6


def _golden_example(source: Source, run: Runner) -> tuple[Arrays, Arrays, dict[str, float]]:
    """Return inputs and outputs for the golden vectors, and ``original_error``, if they are those of an original.

    :raises PackagingError: if the export does not produce the outputs of the original.
    """
    if isinstance(source, OnnxSource) and source.golden is not None:
        inputs, outputs = source.golden
        sizes = axis_sizes(inputs, source.signature)
        inputs = complete_inputs(inputs, source.signature, sizes, f"{source.name}: golden")
        error = check_error(source.name, relative_error(run(**inputs), outputs), SOURCE_LIMIT, OTHER_OUTPUT)
        return inputs, outputs, {"original_error": error}
    inputs = source.example_inputs(default_sizes(source.signature), seed=7)
    return inputs, run(**inputs), {}


def _steps_entry(source: Source, field: ReceptiveField | None, folder: Path) -> dict[str, Any]:
    """Return ``autoregressive`` or ``streaming`` of a network that has one of them."""
    if source.autoregressive is not None:
        steps, inputs = source.autoregressive, source.signature.inputs
        states = state_entries(source.name, steps.states, source.initial, inputs, folder)
        return {"autoregressive": autoregressive_entry(steps, states)}
    if field is None:
        return {}
    stream_input = {"input": source.stream_input} if source.stream_input else {}
    return {"streaming": {"axis": source.streaming, **field._asdict(), **stream_input}}


def _with_stateful_form(
    source: Source, spec: dict[str, Any], folder: Path, progress: Callable[[str], None], limit: TimeLimit
) -> dict[str, Any]:
    """Return the entry with the stateful form: of a module if requested, of an existing graph if it has one."""
    if "left" not in spec.get("streaming", {}) or (isinstance(source, NetworkSource) and not source.stateful):
        return spec
    try:
        return with_stateful_form(folder, source.name, spec, source.example_inputs, progress, limit)
    except NoStatefulForm as error:
        if isinstance(source, NetworkSource):
            _note_fallback(source, "stateful", error, measured := dict(spec["measured"]), progress)
            return {**spec, "measured": measured}
        progress(f"{source.name}: streams in windows, as it has no stateful form: {error.why}")
        return spec
