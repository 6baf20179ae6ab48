"""Compilation of the inner loops, where numba is installed; without it they are Python, and some 14 times as slow.

numba stores what it compiled in ``__pycache__``. After a change of a constant that another module imports, delete it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

try:
    from numba import njit
except ImportError:
    njit = None


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function compiled, or as it is without numba."""
    return function if njit is None else njit(cache=True, error_model="numpy")(function)
