"""Decoders that speak step by step, from what they said before and the text that they attend to."""

from __future__ import annotations

import voxstack
from voxstack_autoregressive.decoder import AutoregressiveDecoder


@voxstack.hookimpl
def voxstack_blocks() -> list[type[voxstack.Block]]:
    """The blocks of this plugin."""
    return [AutoregressiveDecoder]
