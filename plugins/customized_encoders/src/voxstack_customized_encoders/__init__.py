"""CustomizedEncoders: encoders of one utterance at the same time, in a context of their own."""

from __future__ import annotations

import voxstack
from voxstack_customized_encoders.blocks import CustomizedEncoders


@voxstack.hookimpl
def voxstack_blocks() -> list[type[voxstack.Block]]:
    """The blocks of this plugin."""
    return [CustomizedEncoders]
