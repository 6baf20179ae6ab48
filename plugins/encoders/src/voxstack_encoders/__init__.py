"""Blocks that run networks on a whole utterance, and that select a speaker."""

from __future__ import annotations

import voxstack
from voxstack_encoders.encoders import Encoders
from voxstack_encoders.speakers import Speakers


@voxstack.hookimpl
def voxstack_blocks() -> list[type[voxstack.Block]]:
    """Return the blocks of this plugin."""
    return [Encoders, Speakers]
