"""Packaging of a network that takes and returns states of its own."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from voxstack.networks import NetworkSpec, Runner
from voxstack_packager.export.network_export import export_network
from voxstack_packager.golden_vectors import golden_path, write_golden_vectors
from voxstack_packager.json_entries import tensors_entry
from voxstack_packager.measure.measured import measure_basics, measure_rows, source_error
from voxstack_packager.measure.stream_exactness import run_stream
from voxstack_packager.measure.time_limit import TimeLimit
from voxstack_packager.own_states.state_entries import state_entries
from voxstack_packager.own_states.stream_examples import StreamExamples
from voxstack_packager.own_states.stream_measurements import measure_streams, stream_rate
from voxstack_packager.runners import onnx_runner, pt2_runner
from voxstack_packager.signature import default_sizes
from voxstack_packager.sources import Source


def package_own_states(
    source: Source, folder: Path, progress: Callable[[str], None], time_limit: float
) -> dict[str, Any]:
    """Export and measure a network with states of its own, write its golden vectors, and return its entry.

    It is measured as it is: its export against its module in the middle of a stream, and its streams in chunks against
    the stream in one call.

    :param time_limit: seconds that the measurement may take.
    :raises PackagingError: if it cannot be exported, an error is above its limit, or the time is.
    """
    signature = source.signature
    spec: dict[str, Any] = {"role": source.role, **({"description": source.description} if source.description else {})}
    spec |= {"inputs": tensors_entry(signature.inputs), "outputs": tensors_entry(signature.outputs)}
    states = state_entries(source.name, source.states, source.initial, signature.inputs, folder)
    streaming: dict[str, Any] = {"axis": source.streaming, "right": 0, "hop": 1}
    streaming |= {"input": source.stream_input} if source.stream_input else {}
    streaming |= {"states": states, **({"end": source.end} if source.end else {})}
    examples = StreamExamples(source, _network(source, {**spec, "streaming": streaming}, folder))
    progress(f"{source.name}: exporting")
    module, exports, fixed = export_network(source, folder, progress, examples)
    limit = TimeLimit(source.name, progress, time_limit)
    streaming |= stream_rate(source.name, examples.network, module, examples)
    network = _network(source, {**spec, "streaming": streaming}, folder)
    run = onnx_runner(folder / exports[0]["symbol"])
    progress(f"{source.name}: {streaming['hop']} steps for each of {source.streaming!r}; measuring")
    measured = _measure(source, network, run, module, examples, limit)
    if fixed:  # it is measured now
        progress(f"{source.name}: the exporter declares {', '.join(fixed)}; the graph computes any size, as declared")
    for export in exports[1:]:
        parameters = folder / export["parameters"] if "parameters" in export else None
        other = pt2_runner(folder / export["symbol"], signature, parameters)
        measured[f"{export['format']}_error"] = source_error(source, other, module, examples)
    inputs = examples.given(default_sizes(signature), 7)
    outputs = run_stream(run, network, inputs, [examples.steps(inputs)], read_ahead=True)
    write_golden_vectors(folder / golden_path(source.name), inputs, outputs)
    measured["weights"] = "float16" if source.half else "float32"
    progress(f"{source.name}: {json.dumps({'streaming': streaming, 'measured': measured})}")
    return {**spec, "streaming": streaming, "exports": exports, "measured": measured}


def _measure(
    source: Source,
    network: NetworkSpec,
    run: Runner,
    module: Runner,
    examples: StreamExamples,
    limit: TimeLimit,
) -> dict[str, Any]:
    """Return ``measured`` without the errors of other formats.

    :raises PackagingError: if an error is above its limit, or the time is.
    """
    error = source_error(source, run, module, examples)
    limit.check("compared with its module")
    measured = {**measure_basics(source.name, run, network, examples), "source_error": error}
    measured |= {"batch_error": measure_rows(source.name, run, network, examples), "mask_error": {}}
    limit.check("compared with its rows alone")
    return {**measured, **measure_streams(source.name, network, run, examples, limit)}


def _network(source: Source, spec: Mapping[str, Any], folder: Path) -> NetworkSpec:
    return NetworkSpec.of(source.name, {**spec, "exports": []}, "", folder.joinpath, trusted=False)
