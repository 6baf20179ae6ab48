"""The block ``Decoder``, which streams frames through a network."""

from __future__ import annotations

import voxstack


@voxstack.hookimpl
def voxstack_blocks() -> list[str]:
    """Return the blocks of this plugin, which are imported when a stack names them."""
    return ["voxstack_decoder.decoder:Decoder"]
