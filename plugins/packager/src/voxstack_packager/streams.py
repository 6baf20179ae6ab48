"""What is measured of stateful forms: streams that are cut in many ways, against the plain network and against themselves.

Functions take what those of :mod:`voxstack_packager.measure` take; ``form`` is the spec of the stateful form.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from voxstack.networks import NetworkSpec, Runner, first_states
from voxstack.streaming.windows import pulls
from voxstack_packager.measure import CHUNKS, Arrays, MakeExamples, relative_error, row_of
from voxstack_packager.signature import Signed, axes, sizes_of, time_axis


def streamed(
    run: Runner, form: NetworkSpec, inputs: Arrays, sizes: Sequence[int], read_ahead: bool = False
) -> dict[str, np.ndarray]:
    """What a stateful network gives for inputs that come in chunks of these sizes, joined.

    :param form: tells its states, and how it streams.
    """
    streaming = form.streaming
    assert streaming is not None, "what is streamed carries state"
    axes_of = {
        name: tensor.shape.index(streaming.axis)
        for name, tensor in form.inputs.items()
        if streaming.axis in tensor.shape
    }
    rows = [
        array.shape[shape.index("batch")]
        for name, array in inputs.items()
        if "batch" in (shape := form.inputs[name].shape)
    ]
    ends = np.cumsum(sizes)
    carried: Mapping[str, np.ndarray] = first_states(form, rows[0] if rows else 1)
    parts: dict[str, list[np.ndarray]] = {name: [] for name in form.streamed}
    chunks = (np.arange(end - size, end) for size, end in zip(sizes, ends, strict=True))
    for numbers, last in pulls(chunks, streaming.right, read_ahead=read_ahead):
        cut = {
            name: np.take(array, numbers, axes_of[name]) if name in axes_of else array for name, array in inputs.items()
        }
        end = {streaming.end: np.array([last], np.int64)} if streaming.end else {}
        made = run(**cut, **carried, **end)
        carried = {name: made[state.next] for name, state in streaming.states.items()}
        for name, pieces in parts.items():
            pieces.append(made[name])
    places = {name: time_axis(form.outputs[name], streaming.axis, form) for name in parts}
    return {name: np.concatenate(pieces, places[name] or 0) for name, pieces in parts.items()}


class StateErrors(NamedTuple):
    """How far a stateful form is from what it must equal.

    :param source: the largest error against the plain network on the whole, however the stream is cut.
    :param chunks: for each way to cut, the error against the form itself, given the stream uncut.
    """

    source: float
    chunks: dict[str, float]


def state_exactness(
    plain: Runner,
    signed: Signed,
    run: Runner,
    form: NetworkSpec,
    examples: MakeExamples,
    left: int,
    chunks: Sequence[int] = CHUNKS,
) -> StateErrors:
    """Measure a stateful form against the plain network, and how much it matters to it how a stream is cut.

    Ways to cut are chunks of one size, chunks that double, and no cut at all; streams are one step long, shorter than what the
    network looks ahead, just longer, and many times as long.

    :param left: steps that an output of the plain network sees before its own.
    """
    assert form.streaming is not None
    axis, right = form.streaming.axis, form.streaming.right
    source, errors = 0.0, dict.fromkeys([*map(str, chunks), "ramp", "whole"], 0.0)
    for length in sorted({1, max(right, 1), right + 1, left + right + 2 * max(*chunks, 16) + 3}):
        inputs = examples(sizes_of(signed, **{axis: length}), 0)
        given = {name: inputs[name] for name in form.needs}
        whole = {name: plain(**inputs)[name] for name in form.streamed}
        uncut = streamed(run, form, given, [length], read_ahead=True)
        doubling = [2**i for i in range(length.bit_length())]
        ways = {
            **{str(size): _cut(length, [size] * length) for size in chunks},
            "ramp": _cut(length, doubling),
            "whole": [length],
        }
        for name, sizes in ways.items():
            for ahead in (False, True):
                made = streamed(run, form, given, sizes, ahead)
                source = max(source, relative_error(made, whole))
                errors[name] = max(errors[name], relative_error(made, uncut))
    return StateErrors(source, errors)


def _cut(length: int, sizes: Sequence[int]) -> list[int]:
    """As many of these sizes as a stream of this length has, the last one shorter."""
    ends = np.minimum(np.cumsum(sizes), length)
    return [int(size) for size in np.diff(ends, prepend=0) if size]


def state_batch_invariance(
    run: Runner, form: NetworkSpec, signed: Signed, examples: MakeExamples, batch: int = 3
) -> float:
    """Largest error of a stream run alone against the same one in a batch; 0 for a network without a batch axis."""
    assert form.streaming is not None
    if "batch" not in axes(signed):
        return 0.0
    right = form.streaming.right
    sizes = [right + 5, 9, 16]
    inputs = examples(sizes_of(signed, **{"batch": batch, form.streaming.axis: sum(sizes)}), 0)
    given = {name: inputs[name] for name in form.needs}
    together = streamed(run, form, given, sizes)
    worst = 0.0
    for row in range(batch):
        alone = streamed(
            run, form, {name: row_of(array, form.inputs[name].shape, row) for name, array in given.items()}, sizes
        )
        worst = max(
            worst,
            relative_error({name: row_of(x, form.outputs[name].shape, row) for name, x in together.items()}, alone),
        )
    return worst
