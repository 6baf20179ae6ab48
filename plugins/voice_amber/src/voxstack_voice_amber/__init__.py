"""The addon amber, the default voice: American English, female, 16 kHz, with explicit durations."""

from __future__ import annotations

from pathlib import Path

import voxstack


@voxstack.hookimpl
def voxstack_addons() -> list[Path]:
    """Return the folder of the addon of this distribution."""
    return [Path(__file__).parent / "amber"]
