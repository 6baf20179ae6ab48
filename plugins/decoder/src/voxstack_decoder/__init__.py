"""The block ``Decoder``, which streams frames through a network."""

from __future__ import annotations

import voxstack
from voxstack_decoder.decoder import Decoder


@voxstack.hookimpl
def voxstack_blocks() -> list[type[voxstack.Block]]:
    """Return the blocks of this plugin."""
    return [Decoder]
