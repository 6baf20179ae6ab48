"""Effects on samples that need scipy: filters, loudness, the sound of a telephone."""

from __future__ import annotations

import voxstack


@voxstack.hookimpl
def voxstack_blocks() -> list[str]:
    """Return the blocks of this plugin, which are imported when a stack names them."""
    return [
        "voxstack_effects.loudness:Loudness",
        "voxstack_effects.passes:BandPass",
        "voxstack_effects.passes:HighPass",
        "voxstack_effects.passes:LowPass",
        "voxstack_effects.equalizer:HighShelf",
        "voxstack_effects.equalizer:LowShelf",
        "voxstack_effects.equalizer:Notch",
        "voxstack_effects.equalizer:PeakFilter",
        "voxstack_effects.telephone:Telephone",
    ]
