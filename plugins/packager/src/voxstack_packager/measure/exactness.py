"""Errors of a network: against another, in a batch, with a mask, and in windows.

Every function takes ``run``, the network as any runtime opens it (``run(**arrays) -> arrays by name``); ``signature``,
with its inputs and outputs (a ``NetworkSpec``, say); and ``examples``, a function of sizes and a seed that returns
inputs, such as ``NetworkSource.example_inputs``. Errors are relative to the scale of an output: its largest absolute
value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from voxstack.networks import Runner
from voxstack.streaming.windows import windows
from voxstack_packager.errors import PackagingError
from voxstack_packager.signature import (
    Arrays,
    MakeExamples,
    SignatureLike,
    default_sizes,
    input_axes,
    mask_axes,
    time_axis,
)

LENGTHS = (13, 48)
"""Steps of the two unpadded inputs that masks are tried with."""

PADDING = (7, 80)
"""Steps of padding after each of them."""

CHUNKS = (1, 7, 16, 64)
"""Sizes, in steps, of the chunks that streams are tried with."""


def relative_error(outputs: Arrays, expected: Arrays) -> float:
    """Return the largest difference of any output, relative to its scale.

    Infinite where shapes differ, or where only one of two values is a finite number.
    """
    return max((_relative_error(outputs[name], array) for name, array in expected.items()), default=0.0)


def _relative_error(output: np.ndarray, expected: np.ndarray) -> float:
    if output.shape != expected.shape:
        return float("inf")
    if not np.issubdtype(expected.dtype, np.floating):
        return 0.0 if np.array_equal(output, expected) else float("inf")
    finite = np.isfinite(expected)
    if not np.array_equal(np.isfinite(output), finite):
        return float("inf")
    difference = np.abs(output[finite].astype(np.float64) - expected[finite]).max(initial=0.0)
    return float(difference / max(np.abs(expected[finite]).max(initial=0.0), 1e-30)) if difference else 0.0


def scales(run: Runner, signature: SignatureLike, examples: MakeExamples) -> dict[str, float]:
    """Return the largest absolute value of each output for one example."""
    outputs = run(**examples(default_sizes(signature), 0))
    return {name: float(np.abs(value).max(initial=0)) for name, value in outputs.items()}


def is_deterministic(run: Runner, signature: SignatureLike, examples: MakeExamples) -> bool:
    """Return whether the same inputs produce the same bits in each of three runs."""
    inputs = examples(default_sizes(signature), 0)
    first, *others = ({name: np.array(value) for name, value in run(**inputs).items()} for _ in range(3))
    return all(value.tobytes() == other[name].tobytes() for other in others for name, value in first.items())


def batch_invariance(run: Runner, signature: SignatureLike, examples: MakeExamples, batch: int = 3) -> float:
    """Return the largest error of a row run alone against the same row in a batch; 0 without a batch axis."""
    if "batch" not in input_axes(signature):
        return 0.0
    inputs = examples(default_sizes(signature, batch=batch), 0)
    together = run(**inputs)
    worst = 0.0
    for row in range(batch):
        alone = run(**{name: batch_row(inputs[name], tensor.shape, row) for name, tensor in signature.inputs.items()})
        rows = {name: batch_row(value, signature.outputs[name].shape, row) for name, value in together.items()}
        worst = max(worst, relative_error(rows, alone))
    return worst


def batch_row(array: np.ndarray, shape: Sequence[str | int], row: int) -> np.ndarray:
    """Return one row of an array as a batch of one; the array itself where its shape has no batch axis."""
    return np.take(array, [row], shape.index("batch")) if "batch" in shape else array


def mask_exactness(run: Runner, signature: SignatureLike, examples: MakeExamples) -> dict[str, float]:
    """Return, for each axis with a mask, the error of an input padded with zeros and masked against the unpadded one.

    Outputs are compared over the steps that are not padding.
    """
    errors = dict.fromkeys(mask_axes(signature), 0.0)
    for axis in errors:
        for seed, (length, padding) in enumerate(zip(LENGTHS, PADDING, strict=True)):
            inputs = examples(default_sizes(signature, **{axis: length}), seed)
            padded = {
                name: _pad(inputs[name], tensor.shape, axis, padding) for name, tensor in signature.inputs.items()
            }
            plain, longer = run(**inputs), run(**padded)
            cropped = {name: longer[name][tuple(slice(size) for size in value.shape)] for name, value in plain.items()}
            errors[axis] = max(errors[axis], relative_error(cropped, plain))
    return errors


def _pad(array: np.ndarray, shape: Sequence[str | int], axis: str, padding: int) -> np.ndarray:
    return np.pad(array, [(0, padding if name == axis else 0) for name in shape])


def chunk_exactness(
    run: Runner,
    signature: SignatureLike,
    examples: MakeExamples,
    axis: str,
    left: int,
    right: int,
    hop: int,
    chunks: Sequence[int] = CHUNKS,
) -> dict[int, float]:
    """Return, for each chunk size in steps, the error of joined windows with this context against the whole.

    Outputs without the axis, or one of their own that replaces it, are left out.

    :param left: steps of context before a chunk; ``right``: after it.
    :param hop: output steps for each input step.
    """
    length = left + right + 2 * max(*chunks, 16) + 3
    inputs = examples(default_sizes(signature, **{axis: length}), 0)
    positions = {
        name: position
        for name, tensor in signature.outputs.items()
        if (position := time_axis(tensor, axis, signature)) is not None
    }
    outputs = run(**inputs)
    whole = {name: outputs[name] for name in positions}
    field = left, right, hop
    return {
        size: relative_error(*_run_windows(run, signature, inputs, axis, positions, field, size, whole))
        for size in chunks
    }


def _run_windows(
    run: Runner,
    signature: SignatureLike,
    inputs: Arrays,
    axis: str,
    positions: Mapping[str, int],
    field: tuple[int, int, int],
    size: int,
    whole: Arrays,
) -> tuple[Arrays, Arrays]:
    """Return the outputs of windows over the inputs, joined, and the same steps of ``whole``.

    Of many windows, those at both ends, which have less context, and some between them are run.

    :param positions: the position of the streaming axis in each output.
    :param size: steps of a chunk.
    """
    left, right, hop = field
    input_positions = {name: t.shape.index(axis) for name, t in signature.inputs.items() if axis in t.shape}
    length = next(inputs[name].shape[position] for name, position in input_positions.items())
    steps = np.arange(length)
    parts: dict[str, list[np.ndarray]] = {name: [] for name in positions}
    expected: dict[str, list[np.ndarray]] = {name: [] for name in positions}
    all_windows = list(windows((steps[i : i + size] for i in range(0, length, size)), left, right))
    ends = np.cumsum([count for _, _, count, _ in all_windows])
    for number in _spread(len(all_windows)):
        frames, skip, count, _ = all_windows[number]
        start = int(ends[number]) - count
        cut = {
            name: np.take(inputs[name], frames, input_positions[name]) if name in input_positions else inputs[name]
            for name in signature.inputs
        }
        outputs = run(**cut)
        for name, position in positions.items():
            new = range(skip * hop, (skip + count) * hop)
            if outputs[name].shape[position] < new.stop:
                found = f"{outputs[name].shape[position]} steps for {len(frames)}"
                raise PackagingError("chunk_exactness", f"{name!r} has {found}; a hop of {hop} requires more")
            parts[name].append(np.take(outputs[name], new, position))
            expected[name].append(np.take(whole[name], range(start * hop, (start + count) * hop), position))
    joined, same = (
        {name: np.concatenate(arrays[name], positions[name]) for name in arrays} for arrays in (parts, expected)
    )
    return joined, same


def _spread(count: int, most: int = 24) -> list[int]:
    """Return the numbers of at most ``most`` of ``count`` windows: a third at each end, and others between them."""
    third = most // 3
    if count <= most:
        return list(range(count))
    between = np.linspace(third, count - third - 1, third).round().astype(int).tolist()
    return [*range(third), *between, *range(count - third, count)]
