"""Blocks of models that decode step by step: ``AutoregressiveDecoder`` and ``DelayedChannels``."""

from __future__ import annotations

import voxstack


@voxstack.hookimpl
def voxstack_blocks() -> list[str]:
    """Return the blocks of this plugin, which are imported when a stack names them."""
    return [
        "voxstack_autoregressive.decoder:AutoregressiveDecoder",
        "voxstack_autoregressive.delayed_channels:DelayedChannels",
    ]
