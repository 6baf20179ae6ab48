"""Encoders: the networks that see a whole utterance at once, and who speaks."""

from __future__ import annotations

import voxstack
from voxstack_encoders.blocks import Encoders
from voxstack_encoders.speakers import Speakers


@voxstack.hookimpl
def voxstack_blocks() -> list[type[voxstack.Block]]:
    """The blocks of this plugin."""
    return [Encoders, Speakers]
