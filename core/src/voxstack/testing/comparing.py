"""Comparisons of outputs."""

from __future__ import annotations

from typing import Any

import numpy as np


def describe_difference(made: np.ndarray, expected: np.ndarray, tolerance: float) -> str:
    """Return how an output differs from another one; empty if it does not.

    :param tolerance: relative to the largest value of ``expected``; 0: bit-exact.
    """
    if len(made) != len(expected):
        return f"gives {len(made)} steps instead of {len(expected)}"
    if not len(expected):
        return ""
    if made.shape != expected.shape:
        return f"gives the shape {made.shape} instead of {expected.shape}"
    if np.array_equal(made, expected, equal_nan=made.dtype.kind == "f"):
        return ""
    error = float(np.abs(made.astype(np.float64) - expected).max())
    allowed = tolerance * float(np.abs(expected).max())
    return "" if error <= allowed else f"differs by {error:.3g}, and {allowed:.3g} is allowed"


def are_equal(one: Any, other: Any) -> bool:
    """Return whether two values are equal: arrays bit for bit, containers item by item, others where they compare."""
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        first, second = np.asarray(one), np.asarray(other)
        same_form = first.dtype == second.dtype and first.shape == second.shape
        return same_form and first.tobytes() == second.tobytes()
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(are_equal, one, other))
    own: Any = type(one).__eq__
    if own is object.__eq__:  # compared by identity: such an object says nothing of its value
        return type(one) is type(other)
    return bool(one == other)
