"""The result type of all checks, and the axes of arrays."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

Spec = Mapping[str, Any]
"""JSON of a network or of another part of the config."""

Path = tuple[str | int, ...]
"""Path of keys and indexes into the config."""

Finding = tuple[Path, str]
"""A path into the config, and what is wrong there, ending with what to do."""


def axes(arrays: Iterable[Spec]) -> list[str]:
    """Return the axis names of some arrays, each once, in the order in which they appear."""
    return list(dict.fromkeys(axis for array in arrays for axis in array["shape"] if isinstance(axis, str)))


def elements(shape: Iterable[str | int], sizes: Mapping[str, int] | None = None) -> int:
    """Return the number of elements of an array: the product of its fixed lengths, and of ``sizes`` by axis name."""
    return math.prod(axis if isinstance(axis, int) else (sizes or {}).get(axis, 1) for axis in shape)


def signature(array: Spec) -> tuple[str, int]:
    """Return the dtype and the number of axes of an array."""
    return array["dtype"], len(array["shape"])
