"""The synthesizer Flite and its small English voices."""

from __future__ import annotations

from pathlib import Path

import voxstack
from voxstack_flite.flite import Flite

__all__ = ["Flite", "voxstack_addons", "voxstack_blocks"]


@voxstack.hookimpl
def voxstack_blocks() -> list[type[voxstack.Block]]:
    """Return the blocks of this plugin."""
    return [Flite]


@voxstack.hookimpl
def voxstack_addons() -> list[Path]:
    """Return the folder of the voice of this distribution."""
    return [Path(__file__).parent / "flite"]
