"""Decoder: a network that turns frames into frames, a window at a time."""

from __future__ import annotations

import voxstack
from voxstack_decoder.blocks import Decoder


@voxstack.hookimpl
def voxstack_blocks() -> list[type[voxstack.Block]]:
    """The blocks of this plugin."""
    return [Decoder]
