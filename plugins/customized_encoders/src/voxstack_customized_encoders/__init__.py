"""The block ``CustomizedEncoders``, which runs the encoders of one utterance at the same time."""

from __future__ import annotations

import voxstack
from voxstack_customized_encoders.customized_encoders import CustomizedEncoders


@voxstack.hookimpl
def voxstack_blocks() -> list[type[voxstack.Block]]:
    """Return the blocks of this plugin."""
    return [CustomizedEncoders]
