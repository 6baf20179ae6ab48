"""The block ``AutoregressiveDecoder``, which decodes frames step by step."""

from __future__ import annotations

import voxstack
from voxstack_autoregressive.decoder import AutoregressiveDecoder


@voxstack.hookimpl
def voxstack_blocks() -> list[type[voxstack.Block]]:
    """Return the blocks of this plugin."""
    return [AutoregressiveDecoder]
