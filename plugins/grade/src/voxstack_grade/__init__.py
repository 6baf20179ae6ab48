"""A quality gate for voices: measures a voice on a set of sentences, and compares it with a baseline.

``grade`` is the Python form of the command of the same name.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from voxstack_grade.grading import grade
    from voxstack_grade.report import Report, Row

__all__ = ["Report", "Row", "grade"]

_MODULES = {"grade": "grading", "Report": "report", "Row": "report"}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used (PEP 562)."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
