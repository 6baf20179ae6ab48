"""Checks addons in contexts, measures contexts side by side, and remembers which is best on this machine.

``check`` and ``bench`` are the commands of the same names, for Python: they return dataclasses.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from voxstack_bench.checking import Report, check
    from voxstack_bench.figures import Benchmark
    from voxstack_bench.measuring import bench

__all__ = ["Benchmark", "Report", "bench", "check", "voxstack_context"]

hookimpl = pluggy.HookimplMarker("voxstack")  # voxstack.hookimpl, without the numpy that importing voxstack costs

_HOMES = {"check": "checking", "Report": "checking", "bench": "measuring", "Benchmark": "figures"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


@hookimpl
def voxstack_context(name: str, addon: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Say what ``auto`` stands for: what ``bench`` found best for this addon on this machine.

    :raises ContextError: if it was never measured, or has changed since.
    """
    if name != "auto":
        return None
    from voxstack_bench.storing import stored

    return stored(addon)
