"""The addon prism, the vocoder that all voices share: log-mel frames to spectra, 16 kHz."""

from __future__ import annotations

from pathlib import Path

import voxstack


@voxstack.hookimpl
def voxstack_addons() -> list[Path]:
    """Return the folder of the addon of this distribution."""
    return [Path(__file__).parent / "prism"]
