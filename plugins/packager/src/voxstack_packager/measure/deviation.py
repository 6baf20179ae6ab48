"""Errors of an export against its module, at many sizes of every axis.

What an exporter declares of a graph proves nothing: torch 2.13 declares the outputs of recurrences with the length of
the example, though they have any, and the inputs of loops over steps as free, though the graph has one copy of the loop
for each step of the example.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from voxstack.networks import Runner
from voxstack_packager.errors import PackagingError
from voxstack_packager.measure.exactness import relative_error
from voxstack_packager.signature import Arrays, MakeExamples, SignatureLike, axis_sizes, default_sizes, input_axes

COMPARED = ((1, 1), (1, 3), (5, 2), (13, 1), (48, 3), (130, 1))
"""Steps and rows of the inputs that exports are compared at."""

REQUIRED = (13, 48)
"""Steps at which a network must run; it may have limits below and above."""

OTHER_SIZES = (13, 48)
"""Sizes that each axis of the example of an export is changed to."""


def deviation(run: Runner, reference: Runner, signature: SignatureLike, examples: MakeExamples) -> float:
    """Return the largest error of ``run`` against ``reference``, alone and in a batch, at several sizes of every axis.

    Rows of a batch are padded where the network has masks; outputs count where there is no padding: attention in eager
    torch gives zeros there, and its export does not. Sizes of less than 13 and more than 48 steps are left out
    where ``reference`` itself fails at them: it may need two steps, or have a table of a hundred.

    :raises PackagingError: if ``run`` fails where ``reference`` does not, or if an output does not have its declared
        axes.
    """
    worst = 0.0
    free = [axis for axis in input_axes(signature) if axis != "batch"]
    for seed, (steps, batch) in enumerate(COMPARED):
        sizes = default_sizes(signature, batch=batch, **{axis: steps + 2 * i for i, axis in enumerate(free)})
        inputs = _pad_rows(examples(sizes, seed), signature)
        try:
            expected = reference(**inputs)
        except Exception as error:  # the errors of modules have no class in common
            if steps in REQUIRED:
                problem = f"the network itself fails with inputs of the shapes {_shapes(inputs)}: {error}"
                raise PackagingError("deviation", f"{problem}; correct it, or its examples") from error
            continue
        try:
            outputs = run(**inputs)
        except Exception as error:
            problem = f"fails with inputs of the shapes {_shapes(inputs)}, where its reference does not: {error}"
            raise PackagingError("deviation", problem) from error
        _check_axes(outputs, signature, axis_sizes(inputs, signature))
        outputs, expected = (_without_padding(arrays, inputs, signature) for arrays in (outputs, expected))
        worst = max(worst, relative_error(outputs, expected))
    return worst


def fixed_axis(
    run: Runner, reference: Runner, signature: SignatureLike, examples: MakeExamples, sizes: Mapping[str, int]
) -> tuple[str, int, str] | None:
    """Return the axis along which an export is right at the size of its example only, a wrong size, and the error.

    None if the export is wrong at the sizes of its example, too, or right at all that are tried.

    :param sizes: of every axis of the example.
    """
    inputs = examples(sizes, 0)
    if _difference(run, reference, inputs):
        return None
    for axis in sizes:
        for size in OTHER_SIZES if axis != "batch" else (1, 3):
            inputs = examples({**sizes, axis: size}, 0)
            if problem := _difference(run, reference, inputs):
                return axis, size, problem
    return None


def _difference(run: Runner, reference: Runner, inputs: Arrays) -> str:
    """Return how an export differs from its module; empty if it does not."""
    try:
        expected = reference(**inputs)
    except Exception as error:  # the errors of modules have no class in common
        return f"fails, as its module does ({_first_line(error)})"
    try:
        outputs = run(**inputs)
    except Exception as error:  # the errors of runtimes have no class in common
        return f"fails ({_first_line(error)})"
    for name, array in expected.items():
        if outputs[name].shape != array.shape:
            return f"produces {name!r} of the shape {outputs[name].shape}, its module {array.shape}"
    return "" if relative_error(outputs, expected) <= 1e-3 else "produces other values than its module"


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)


def _shapes(inputs: Arrays) -> dict[str, tuple[int, ...]]:
    return {name: array.shape for name, array in inputs.items()}


def _pad_rows(inputs: Arrays, signature: SignatureLike) -> Arrays:
    """Return inputs in which the second row of each masked axis is padded by a third, and later rows by more."""
    padded = {name: array.copy() for name, array in inputs.items()}
    for mask in (tensor for tensor in signature.inputs.values() if tensor.mask and "batch" in tensor.shape):
        for name, tensor in signature.inputs.items():
            if "batch" not in tensor.shape or mask.shape[-1] not in tensor.shape:
                continue
            rows = np.moveaxis(padded[name], (tensor.shape.index("batch"), tensor.shape.index(mask.shape[-1])), (0, 1))
            for row in range(1, len(rows)):
                rows[row, rows.shape[1] - row * rows.shape[1] // (2 * len(rows)) :] = 0
    return padded


def _without_padding(outputs: Arrays, inputs: Arrays, signature: SignatureLike) -> Arrays:
    """Return outputs with zeros at the padded steps of their rows."""
    real = dict(outputs)
    for mask_name, mask in signature.inputs.items():
        if not mask.mask or mask.shape[:1] != ("batch",) or len(mask.shape) != 2:
            continue
        axis = mask.shape[-1]
        for name, tensor in signature.outputs.items():
            if tensor.shape[:2] == ("batch", axis):
                ones = inputs[mask_name].reshape(*inputs[mask_name].shape, *[1] * (len(tensor.shape) - 2))
                real[name] = np.where(ones > 0, real[name], 0)
    return real


def _check_axes(outputs: Arrays, signature: SignatureLike, sizes: Mapping[str, int]) -> None:
    """Check that the axes of outputs that inputs have, too, have the same sizes.

    :raises PackagingError: naming the output and the axis.
    """
    for name, tensor in signature.outputs.items():
        shape = outputs[name].shape
        if len(shape) != len(tensor.shape):
            raise PackagingError("deviation", f"{name!r} has the shape {shape}; declared are {list(tensor.shape)}")
        for axis, size in zip(tensor.shape, shape, strict=True):
            expected = sizes.get(axis, size) if isinstance(axis, str) else axis
            if size != expected:
                problem = f"{name!r} has {size} where {axis!r} is declared, which is {expected} in this input"
                raise PackagingError("deviation", f"{problem}; give the axis a name of its own, or correct its size")
