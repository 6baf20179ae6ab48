"""The block ``CustomizedEncoders``, which runs the encoders of one utterance at the same time."""

from __future__ import annotations

import voxstack


@voxstack.hookimpl
def voxstack_blocks() -> list[str]:
    """Return the blocks of this plugin, which are imported when a stack names them."""
    return ["voxstack_customized_encoders.customized_encoders:CustomizedEncoders"]
