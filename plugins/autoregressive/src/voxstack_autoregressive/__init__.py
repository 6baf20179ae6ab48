"""The block ``AutoregressiveDecoder``, which decodes frames step by step."""

from __future__ import annotations

import voxstack


@voxstack.hookimpl
def voxstack_blocks() -> list[str]:
    """Return the blocks of this plugin, which are imported when a stack names them."""
    return ["voxstack_autoregressive.decoder:AutoregressiveDecoder"]
