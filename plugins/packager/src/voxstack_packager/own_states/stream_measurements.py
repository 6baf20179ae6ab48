"""Measurements of the streams of a network with states of its own."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from voxstack.networks import NetworkSpec, Runner
from voxstack_packager.errors import PackagingError
from voxstack_packager.measure.exactness import CHUNKS, relative_error
from voxstack_packager.measure.measured import BATCH_LIMIT, CHUNK_LIMIT, NOT_DETERMINISTIC, check_error
from voxstack_packager.measure.stream_exactness import cut, run_stream, state_batch_invariance
from voxstack_packager.measure.time_limit import TimeLimit
from voxstack_packager.own_states.stream_examples import StreamExamples
from voxstack_packager.signature import default_sizes, time_axis

LONGEST, SHORTEST = 515, 24
"""Steps of the longest stream that is measured, and of the shortest where a step takes long."""

SHARE = 0.5
"""Share of the time that is left which streams may be expected to take."""

SHIFTING_CHUNKS = (
    "in chunks of {cut} steps it produces another output than in one call, after {steps} steps: its states do not "
    "carry all that later steps depend on, or hold what depends on where a call ends"
)
MIXED_STREAMS = "a stream in a batch produces another output than alone; compute nothing over the batch axis"


def stream_rate(where: str, network: NetworkSpec, run: Runner, examples: StreamExamples) -> dict[str, int]:
    """Return ``right`` and ``hop`` of a network: how much later, and how many steps for each step, it produces.

    :raises PackagingError: if they are not whole numbers, or differ from output to output or call to call.
    """
    counts = {steps: _first_counts(where, network, run, examples, steps) for steps in (16, 33)}
    hops = {(counts[33][name] - counts[16][name]) / 17 for name in counts[16]}
    hop = hops.pop()
    if hops or hop != int(hop) or hop < 1:
        problem = f"a first call of 16 and of 33 steps of its stream returns {counts[16]} and {counts[33]} steps"
        raise PackagingError(where, f"{problem}; return one whole number for each step, the same for all outputs")
    late = {16 - count / hop for count in counts[16].values()}
    right = late.pop()
    if late or right != int(right) or right < 0:
        problem = f"a first call of 16 steps of its stream returns {counts[16]} steps, with {hop:g} for each step"
        raise PackagingError(where, f"{problem}; let all outputs be late by the same whole number of steps")
    end = network.streaming.end if network.streaming else None
    if right and end is None:
        problem = f"its first call returns {int(right)} steps less than it receives, so the last ones never come out"
        raise PackagingError(where, f"{problem}; pad its layers on the left only, or add an 'end' input")
    return {"right": int(right), "hop": int(hop)}


def _first_counts(
    where: str, network: NetworkSpec, run: Runner, examples: StreamExamples, steps: int
) -> dict[str, int]:
    """Return the steps of each output of a first call with this number of steps."""
    streaming = network.streaming
    assert streaming is not None, "a network with states of its own streams"
    given = examples.given(default_sizes(network, **{streaming.axis: steps}), 0)
    outputs = run(**examples.call(given, examples.first_states(given)))
    positions = {name: time_axis(network.outputs[name], streaming.axis, network) for name in network.streamed}
    without = [name for name, position in positions.items() if position is None]
    if without or not positions:
        problem = f"the outputs {without} have no axis of steps" if without else "every output is a state"
        raise PackagingError(where, f"{problem}; declare the axis of {streaming.axis!r}, or another one, in its place")
    return {name: outputs[name].shape[position] for name, position in positions.items() if position is not None}


def measure_streams(
    where: str, network: NetworkSpec, run: Runner, examples: StreamExamples, limit: TimeLimit
) -> dict[str, Any]:
    """Return ``chunk_error`` and ``stream_batch_error``: streams in chunks, and in batches.

    Streams are one step long, a little longer than the network is late, and as long as the time allows.

    :raises PackagingError: if streams differ, or the time is over.
    """
    streaming = network.streaming
    assert streaming is not None, "a network with states of its own streams"
    longest = _affordable_steps(network, run, examples, limit)
    errors = dict.fromkeys([*map(str, CHUNKS), "ramp"], 0.0)
    for length in sorted({1, streaming.right + 1, longest}):
        given = examples.given(default_sizes(network, **{streaming.axis: length}), 0)
        limit.stage = f"streams of {length} steps"
        whole = run_stream(run, network, given, [length], read_ahead=True)
        cuts = {str(size): cut(length, [size] * length) for size in CHUNKS}
        cuts["ramp"] = cut(length, [2**i for i in range(length.bit_length())])
        for name, sizes in cuts.items():
            limit.stage = f"streams of {length} steps in chunks of {name}"
            for read_ahead in (False, True) if streaming.end else (False,):
                outputs = run_stream(run, network, given, sizes, read_ahead)
                errors[name] = max(errors[name], relative_error(outputs, whole))
            check_error(where, errors[name], CHUNK_LIMIT, SHIFTING_CHUNKS.format(cut=name, steps=length))
    limit.stage = "whether streams are the same twice, and in a batch"
    again = [run_stream(run, network, given, cut(longest, [7] * longest)) for _ in range(2)]
    if any(not np.array_equal(again[0][name], again[1][name]) for name in again[0]):
        raise PackagingError(where, NOT_DETERMINISTIC)
    batch = state_batch_invariance(run, network, network, examples.given)
    checked = {name: check_error(where, error, CHUNK_LIMIT, "") for name, error in errors.items()}
    return {"chunk_error": checked, "stream_error": check_error(where, batch, BATCH_LIMIT, MIXED_STREAMS)}


def _affordable_steps(network: NetworkSpec, run: Runner, examples: StreamExamples, limit: TimeLimit) -> int:
    """Return the steps of the longest stream that all cuts of it are expected to run in the share of the time left."""
    streaming = network.streaming
    assert streaming is not None, "a network with states of its own streams"
    least = streaming.right + SHORTEST
    limit.stage = "the time of a step"
    given = examples.given(default_sizes(network, **{streaming.axis: least}), 0)
    run_stream(run, network, given, [least], read_ahead=True)  # warms up
    begin = time.monotonic()
    run_stream(run, network, given, cut(least, [1] * least))
    single = (time.monotonic() - begin) / least
    runs = 2 * (len(CHUNKS) + 2) + 2
    return int(np.clip(SHARE * limit.remaining / max(single, 1e-6) / runs, least, max(LONGEST, least)))
