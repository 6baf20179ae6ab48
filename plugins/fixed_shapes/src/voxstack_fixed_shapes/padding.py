"""Padding of arrays to fixed sizes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from voxstack.networks import Tensor


def padded(array: np.ndarray, shape: Sequence[int], zero_axes: frozenset[int]) -> np.ndarray:
    """Return the array padded at the ends to ``shape``: with zeros along ``zero_axes``, else with its last step."""
    result = np.zeros(shape, array.dtype)
    result[tuple(slice(size) for size in array.shape)] = array
    for position, (size, wanted) in enumerate(zip(array.shape, shape, strict=True)):
        if size < wanted and position not in zero_axes:
            before = (slice(None),) * position
            result[(*before, slice(size, None))] = result[(*before, slice(size - 1, size))]
    return result


def zero_padded_axes(tensor: Tensor) -> frozenset[int]:
    """Return the positions of the axes of an input that are padded with zeros.

    Masks were measured with such padding, and zeros mark it in a mask. Rows of a batch are repeated instead, and so are
    the other axes of a mask than its last: where all of a row is masked, a network might divide by zero.
    """
    last = len(tensor.shape) - 1
    return (
        frozenset({last})
        if tensor.mask
        else frozenset(position for position, axis in enumerate(tensor.shape) if axis != "batch")
    )
