"""Errors of stateful forms: streams cut in many ways, against the plain network and against the uncut stream.

Functions accept what those of :mod:`voxstack_packager.measure.exactness` accept; ``form`` is the spec of the stateful
form.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from voxstack.networks import NetworkSpec, Runner, Streaming, first_states
from voxstack.streaming.windows import pulls
from voxstack_packager.measure.exactness import CHUNKS, batch_row, relative_error
from voxstack_packager.signature import Arrays, MakeExamples, SignatureLike, default_sizes, input_axes, time_axis


def run_stream(
    run: Runner,
    form: NetworkSpec,
    inputs: Arrays,
    sizes: Sequence[int],
    read_ahead: bool = False,
) -> dict[str, np.ndarray]:
    """Return the joined outputs of a stateful network for inputs that arrive in chunks.

    :param inputs: those that callers provide, and the first values of states that they provide.
    :param sizes: steps of each chunk.
    :param read_ahead: read one chunk ahead from the first on, so that the end is always known with the last chunk.
    """
    streaming = _streaming(form)
    axis = streaming.axis
    positions = {name: tensor.shape.index(axis) for name, tensor in form.inputs.items() if axis in tensor.shape}
    batches = [
        array.shape[form.inputs[name].shape.index("batch")]
        for name, array in inputs.items()
        if "batch" in form.inputs[name].shape
    ]
    ends = np.cumsum(sizes)
    states: Mapping[str, np.ndarray] = first_states(form, batches[0] if batches else 1)
    states = {**states, **{name: inputs[name] for name in form.provided}}
    inputs = {name: inputs[name] for name in form.inputs if name in inputs and name not in form.filled}
    parts: dict[str, list[np.ndarray]] = {name: [] for name in form.streamed}
    chunks = (np.arange(end - size, end) for size, end in zip(sizes, ends, strict=True))
    for steps, last in pulls(chunks, streaming.right, read_ahead=read_ahead):
        cut = {
            name: np.take(array, steps, positions[name]) if name in positions else array
            for name, array in inputs.items()
        }
        end = {streaming.end: np.array([last], np.int64)} if streaming.end else {}
        outputs = run(**cut, **states, **end)
        states = {name: outputs[state.next] for name, state in streaming.states.items()}
        for name, arrays in parts.items():
            arrays.append(outputs[name])
    axes = {name: time_axis(form.outputs[name], axis, form) for name in parts}
    return {name: np.concatenate(arrays, axes[name] or 0) for name, arrays in parts.items()}


class StateErrors(NamedTuple):
    """Errors of a stateful form.

    :param source: the largest error against the plain network on the whole, over all ways to cut the stream.
    :param chunks: for each way to cut, the error against the form itself on the uncut stream.
    """

    source: float
    chunks: dict[str, float]


def state_exactness(
    plain: Runner,
    signature: SignatureLike,
    run: Runner,
    form: NetworkSpec,
    examples: MakeExamples,
    left: int,
    chunks: Sequence[int] = CHUNKS,
) -> StateErrors:
    """Measure a stateful form against the plain network, and against itself when a stream is cut in other ways.

    Streams are cut in chunks of one size, in chunks that double, and not at all; they are one step long, shorter than
    the lookahead of the network, just longer, and many times as long.

    :param left: steps that an output of the plain network depends on before its own.
    """
    streaming = _streaming(form)
    right = streaming.right
    source, errors = 0.0, dict.fromkeys([*map(str, chunks), "ramp", "whole"], 0.0)
    longest, shorter = (left + right + 2 * steps + 3 for steps in (max(*chunks, 16), 16))
    for length in sorted({1, max(right, 1), right + 1, shorter, longest}):
        inputs = examples(default_sizes(signature, **{streaming.axis: length}), 0)
        needed = {name: inputs[name] for name in form.needs}
        whole = {name: plain(**inputs)[name] for name in form.streamed}
        uncut = run_stream(run, form, needed, [length], read_ahead=True)
        doubling = [2**i for i in range(length.bit_length())]
        cuts = {
            # Small chunks take long, and meet no more than a few times the context that they carry.
            **{str(size): cut(length, [size] * length) for size in chunks if size >= 16 or length <= shorter},
            "ramp": cut(length, doubling),
            "whole": [length],
        }
        for name, sizes in cuts.items():
            for read_ahead in (False, True):
                outputs = run_stream(run, form, needed, sizes, read_ahead)
                source = max(source, relative_error(outputs, whole))
                errors[name] = max(errors[name], relative_error(outputs, uncut))
    return StateErrors(source, errors)


def cut(length: int, sizes: Sequence[int]) -> list[int]:
    """Return as many of these sizes as a stream of this length has, the last one shortened."""
    ends = np.minimum(np.cumsum(sizes), length)
    return [int(size) for size in np.diff(ends, prepend=0) if size]


def state_batch_invariance(
    run: Runner, form: NetworkSpec, signature: SignatureLike, examples: MakeExamples, batch: int = 3
) -> float:
    """Return the largest error of a stream run alone against the same stream in a batch; 0 without a batch axis."""
    streaming = _streaming(form)
    if "batch" not in input_axes(signature):
        return 0.0
    sizes = [streaming.right + 5, 9, 16]
    inputs = examples(default_sizes(signature, **{"batch": batch, streaming.axis: sum(sizes)}), 0)
    needed = {name: inputs[name] for name in form.needs | form.provided}
    together = run_stream(run, form, needed, sizes)
    worst = 0.0
    for row in range(batch):
        single = {name: batch_row(array, form.inputs[name].shape, row) for name, array in needed.items()}
        rows = {name: batch_row(array, form.outputs[name].shape, row) for name, array in together.items()}
        worst = max(worst, relative_error(rows, run_stream(run, form, single, sizes)))
    return worst


def _streaming(form: NetworkSpec) -> Streaming:
    assert form.streaming is not None, "a stateful form streams"
    return form.streaming
