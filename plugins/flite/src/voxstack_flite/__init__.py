"""The synthesizer Flite and its small English voices."""

from __future__ import annotations

from pathlib import Path

import voxstack


@voxstack.hookimpl
def voxstack_blocks() -> list[str]:
    """Return the blocks of this plugin, which are imported when a stack names them."""
    return ["voxstack_flite.flite:Flite"]


@voxstack.hookimpl
def voxstack_addons() -> list[Path]:
    """Return the folder of the voice of this distribution."""
    return [Path(__file__).parent / "flite"]
