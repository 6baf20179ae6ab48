"""What an addon claims of a network, measured by running it.

Every function takes ``run``, the network as any runtime opens it (``run(**arrays) -> arrays by name``); ``signed``, which
tells its inputs and outputs (a ``NetworkSpec``, say); and ``examples``, a function of sizes and a seed that makes inputs,
such as ``NetworkSource.arrays``. Errors are relative to the scale of an output: its largest absolute value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import chain

import numpy as np

from voxstack.networks import Runner
from voxstack.streaming.windows import windows
from voxstack_packager.errors import PackagingError
from voxstack_packager.signature import Signed, axes, mask_axes, sizes_of, time_axis

MakeExamples = Callable[[Mapping[str, int], int], Mapping[str, np.ndarray]]
Arrays = Mapping[str, np.ndarray]

LENGTHS = (13, 48)
"""Steps of the two unpadded inputs that a mask is tried with, and of those that exports are compared at, beside 1."""

PADDING = (7, 80)
"""Steps of padding behind them."""

CHUNKS = (1, 7, 16, 64)
"""Steps of the chunks that windows are tried with."""


def relative_error(made: Arrays, expected: Arrays) -> float:
    """Largest difference of any output, relative to its scale; infinite where shapes differ or one is not a number."""
    worst = 0.0
    for name, wanted in expected.items():
        got = made[name]
        if got.shape != wanted.shape:
            return float("inf")
        if not wanted.size:
            continue
        if not np.issubdtype(wanted.dtype, np.floating):
            worst = max(worst, 0.0 if np.array_equal(got, wanted) else float("inf"))
            continue
        if not np.array_equal(np.isfinite(got), np.isfinite(wanted)):
            return float("inf")
        finite = np.isfinite(wanted)
        difference = np.abs(got[finite].astype(np.float64) - wanted[finite]).max(initial=0.0)
        worst = max(
            worst, float(difference / max(np.abs(wanted[finite]).max(initial=0.0), 1e-30)) if difference else 0.0
        )
    return worst


def scales(run: Runner, signed: Signed, examples: MakeExamples) -> dict[str, float]:
    """Largest absolute value of each output for one example."""
    made = run(**examples(sizes_of(signed), 0))
    return {name: float(np.abs(value).max(initial=0)) for name, value in made.items()}


def deterministic(run: Runner, signed: Signed, examples: MakeExamples) -> bool:
    """Whether the same inputs give the same bits again."""
    inputs = examples(sizes_of(signed), 0)
    first, *others = ({name: np.array(value) for name, value in run(**inputs).items()} for _ in range(3))
    return all(value.tobytes() == other[name].tobytes() for other in others for name, value in first.items())


def batch_invariance(run: Runner, signed: Signed, examples: MakeExamples, batch: int = 3) -> float:
    """Largest error of a row run alone against the same row in a batch; 0 for a network without a batch axis."""
    if "batch" not in axes(signed):
        return 0.0
    inputs = examples(sizes_of(signed, batch=batch), 0)
    together = run(**inputs)
    worst = 0.0
    for row in range(batch):
        alone = run(**{name: row_of(inputs[name], tensor.shape, row) for name, tensor in signed.inputs.items()})
        worst = max(
            worst,
            relative_error(
                {name: row_of(value, signed.outputs[name].shape, row) for name, value in together.items()}, alone
            ),
        )
    return worst


def row_of(array: np.ndarray, shape: Sequence[str | int], row: int) -> np.ndarray:
    """One row of an array, as a batch of one; the array itself where its shape has no batch."""
    return np.take(array, [row], shape.index("batch")) if "batch" in shape else array


def mask_exactness(run: Runner, signed: Signed, examples: MakeExamples) -> dict[str, float]:
    """For each axis with a mask, the error of an input padded with zeros and masked against the same input unpadded.

    Outputs are compared over the steps that are not padding.
    """
    found = dict.fromkeys(mask_axes(signed), 0.0)
    for axis in found:
        for seed, (length, padding) in enumerate(zip(LENGTHS, PADDING, strict=True)):
            inputs = examples(sizes_of(signed, **{axis: length}), seed)
            padded = {
                name: _padded(inputs[name], tensor.shape, axis, padding) for name, tensor in signed.inputs.items()
            }
            plain, longer = run(**inputs), run(**padded)
            cropped = {name: longer[name][tuple(slice(size) for size in value.shape)] for name, value in plain.items()}
            found[axis] = max(found[axis], relative_error(cropped, plain))
    return found


def _padded(array: np.ndarray, shape: Sequence[str | int], axis: str, padding: int) -> np.ndarray:
    return np.pad(array, [(0, padding if name == axis else 0) for name in shape])


def chunk_exactness(
    run: Runner,
    signed: Signed,
    examples: MakeExamples,
    axis: str,
    left: int,
    right: int,
    hop: int,
    chunks: Sequence[int] = CHUNKS,
) -> dict[int, float]:
    """For each size of chunks, in steps, the error of windows with this context, joined, against the whole.

    Outputs without the axis, or one that goes on with it, are left out.
    """
    length = left + right + 2 * max(*chunks, 16) + 3
    inputs = examples(sizes_of(signed, **{axis: length}), 0)
    places = {
        name: place for name, tensor in signed.outputs.items() if (place := time_axis(tensor, axis, signed)) is not None
    }
    made = run(**inputs)
    whole = {name: made[name] for name in places}
    return {
        size: relative_error(_windowed(run, signed, inputs, axis, places, (left, right, hop), size), whole)
        for size in chunks
    }


def _windowed(
    run: Runner,
    signed: Signed,
    inputs: Arrays,
    axis: str,
    places: Mapping[str, int],
    field: tuple[int, int, int],
    size: int,
) -> Arrays:
    left, right, hop = field
    length = next(inputs[name].shape[t.shape.index(axis)] for name, t in signed.inputs.items() if axis in t.shape)
    numbers = np.arange(length)
    parts: dict[str, list[np.ndarray]] = {name: [] for name in places}
    for frames, skip, count, _ in windows((numbers[i : i + size] for i in range(0, length, size)), left, right):
        cut = {
            n: np.take(inputs[n], frames, t.shape.index(axis)) if axis in t.shape else inputs[n]
            for n, t in signed.inputs.items()
        }
        made = run(**cut)
        for name, place in places.items():
            new = range(skip * hop, (skip + count) * hop)
            if made[name].shape[place] < new.stop:
                raise PackagingError(
                    "chunk_exactness",
                    f"{name!r} has {made[name].shape[place]} steps for {len(frames)}; hop {hop} says more",
                )
            parts[name].append(np.take(made[name], new, place))
    return {name: np.concatenate(pieces, places[name]) for name, pieces in parts.items()}


def against(run: Runner, other: Runner, signed: Signed, examples: MakeExamples) -> float:
    """Largest error of ``run`` against ``other``, alone and in a batch, at several sizes of every axis.

    A size of 1 is left out where ``other`` itself fails at it (it may need two steps).

    :raises PackagingError: if ``run`` fails where ``other`` does not.
    """
    worst = 0.0
    free = [axis for axis in axes(signed) if axis != "batch"]
    for seed, (length, batch) in enumerate(chain([(1, 1)], zip(LENGTHS, (1, 3), strict=True))):
        inputs = examples(sizes_of(signed, batch=batch, **{axis: length + 2 * i for i, axis in enumerate(free)}), seed)
        try:
            wanted = other(**inputs)
        except Exception:
            if length == 1:
                continue
            raise
        try:
            made = run(**inputs)
        except Exception as error:
            shapes = {name: array.shape for name, array in inputs.items()}
            raise PackagingError(
                "against", f"fails with inputs of the shapes {shapes}, where the other does not: {error}"
            ) from error
        worst = max(worst, relative_error(made, wanted))
    return worst
