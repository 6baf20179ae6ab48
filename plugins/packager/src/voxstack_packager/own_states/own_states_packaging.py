"""Packaging of a network that takes and returns states of its own."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from voxstack.networks import NetworkSpec, Runner
from voxstack_packager.errors import PackagingError
from voxstack_packager.export.network_export import export_network
from voxstack_packager.golden_vectors import golden_path, write_golden_vectors
from voxstack_packager.json_entries import tensors_entry
from voxstack_packager.measure.measured import measure_basics, measure_rows, source_error
from voxstack_packager.measure.other_formats import other_format_errors
from voxstack_packager.measure.stream_exactness import run_stream
from voxstack_packager.measure.time_limit import TimeLimit
from voxstack_packager.own_states.state_entries import state_entries
from voxstack_packager.own_states.stream_examples import StreamExamples
from voxstack_packager.own_states.stream_measurements import measure_streams, stream_rate
from voxstack_packager.runners import onnx_runner
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
    spec = _entry(source, folder)
    streaming = spec["streaming"]
    examples = StreamExamples(source, _network(source, spec, folder))
    progress(f"{source.name}: exporting")
    module, exports, fixed = export_network(source, folder, progress, examples)
    _check_operators(source, folder / exports[0]["symbol"])
    limit = TimeLimit(source.name, progress, time_limit)
    module = limit.watch(module)
    examples.connect(module)
    streaming |= stream_rate(source.name, examples.network, module, examples)
    network = _network(source, spec, folder)
    run = limit.watch(onnx_runner(folder / exports[0]["symbol"]))
    progress(f"{source.name}: {streaming['hop']} steps for each of {source.streaming!r}; measuring")
    limit.stage = "its exports against its module"
    error = source_error(source, run, module, examples)
    if fixed:  # it is measured now
        progress(f"{source.name}: the exporter declares {', '.join(fixed)}; the graph computes any size, as declared")
    errors = {"source_error": error, **other_format_errors(source, folder, exports[1:], module, examples)}
    measured = {**_measure(source.name, network, run, examples, limit), **errors}
    inputs = examples.given(default_sizes(source.signature), 7)
    outputs = run_stream(run, network, inputs, [examples.steps(inputs)], read_ahead=True)
    write_golden_vectors(folder / golden_path(source.name), inputs, outputs)
    measured["weights"] = "float16" if source.half else "float32"
    progress(f"{source.name}: {json.dumps({'streaming': streaming, 'measured': measured})}")
    return {**spec, "exports": exports, "measured": measured}


def _check_operators(source: Source, path: Path) -> None:
    """Check that the export may be called with no steps, as the last call of a network with an ``end`` may be.

    :raises PackagingError: if it has a GRU: ONNX Runtime 1.32 ends the process for one over no steps.
    """
    import onnx

    nodes = onnx.load(path, load_external_data=False).graph.node if source.end else ()
    if any(node.op_type == "GRU" for node in nodes):
        problem = (
            "has a GRU and an 'end', whose last call may have no steps, for which ONNX Runtime ends the process; use "
            "an nn.LSTM, or leave 'end' out"
        )
        raise PackagingError(source.name, problem)


def _measure(
    where: str, network: NetworkSpec, run: Runner, examples: StreamExamples, limit: TimeLimit
) -> dict[str, Any]:
    """Return ``measured`` without the errors of exports.

    :raises PackagingError: if an error is above its limit, or the time is.
    """
    limit.stage = "its rows alone and in a batch"
    measured = measure_basics(where, run, network, examples)
    measured |= {"batch_error": measure_rows(where, run, network, examples), "mask_error": {}}
    return {**measured, **measure_streams(where, network, run, examples, limit)}


def _entry(source: Source, folder: Path) -> dict[str, Any]:
    """Return the entry of the network before it is exported; ``right`` and ``hop`` are not measured yet."""
    signature = source.signature
    spec: dict[str, Any] = {"role": source.role, **({"description": source.description} if source.description else {})}
    spec |= {"inputs": tensors_entry(signature.inputs), "outputs": tensors_entry(signature.outputs)}
    streaming: dict[str, Any] = {"axis": source.streaming, "right": 0, "hop": 1}
    streaming |= {"input": source.stream_input} if source.stream_input else {}
    streaming |= {"states": state_entries(source.name, source.states, source.initial, signature.inputs, folder)}
    streaming |= {"end": source.end} if source.end else {}
    return {**spec, "streaming": streaming}


def _network(source: Source, spec: Mapping[str, Any], folder: Path) -> NetworkSpec:
    return NetworkSpec.of(source.name, {**spec, "exports": []}, "", folder.joinpath, trusted=False)
