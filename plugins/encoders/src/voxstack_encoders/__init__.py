"""Encoders: the networks that see a whole utterance at once."""

from __future__ import annotations

import voxstack
from voxstack_encoders.blocks import Encoders


@voxstack.hookimpl
def voxstack_blocks() -> list[type[voxstack.Block]]:
    """The blocks of this plugin."""
    return [Encoders]
