"""Checks addons in contexts, measures contexts side by side, and stores the best one for this machine.

``check`` and ``bench`` are the Python form of the commands of the same names: they return dataclasses.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from voxstack_bench.checking import check
    from voxstack_bench.measuring import bench
    from voxstack_bench.results import Benchmark, Report

__all__ = ["Benchmark", "Report", "bench", "check", "voxstack_context"]

hookimpl = pluggy.HookimplMarker("voxstack")  # voxstack.hookimpl, without the cost of importing voxstack and numpy

_MODULES = {"check": "checking", "bench": "measuring", "Benchmark": "results", "Report": "results"}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used (PEP 562)."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


@hookimpl
def voxstack_context(name: str, addon: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Resolve ``auto`` to the context that ``bench`` found best for this addon on this machine.

    :raises ContextError: if none is stored, or the addon or the machine has changed since.
    """
    if name != "auto":
        return None
    from voxstack_bench.placement import placement_store

    return placement_store.load(addon)
