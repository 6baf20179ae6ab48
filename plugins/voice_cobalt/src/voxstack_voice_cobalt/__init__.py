"""The addon cobalt: American English, male, 16 kHz, attention-based and autoregressive."""

from __future__ import annotations

from pathlib import Path

import voxstack


@voxstack.hookimpl
def voxstack_addons() -> list[Path]:
    """Return the folder of the addon of this distribution."""
    return [Path(__file__).parent / "cobalt"]
