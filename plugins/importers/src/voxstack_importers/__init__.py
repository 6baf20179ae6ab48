"""Makes addons of voices that exist in the formats of other software: ``voxstack import KIND PATH --out DIR``."""

from __future__ import annotations

import argparse
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from voxstack_importers.kinds import KINDS, import_voice

__all__ = ["KINDS", "import_voice", "voxstack_commands"]

hookimpl = pluggy.HookimplMarker("voxstack")  # voxstack.hookimpl, without the numpy that importing voxstack costs


def __getattr__(name: str) -> Any:
    if name in ("KINDS", "import_voice"):
        return getattr(import_module(f"{__name__}.kinds"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


@hookimpl
def voxstack_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``import``."""
    import_module(f"{__name__}.command").add(commands)
