"""Blocks that run networks on a whole utterance, once or step by step, and that select a speaker."""

from __future__ import annotations

import voxstack


@voxstack.hookimpl
def voxstack_blocks() -> list[str]:
    """Return the blocks of this plugin, which are imported when a stack names them."""
    return [
        "voxstack_encoders.encoders:Encoders",
        "voxstack_encoders.iterate:Iterate",
        "voxstack_encoders.length:Length",
        "voxstack_encoders.speaker_blend:SpeakerBlend",
        "voxstack_encoders.speaker_prompts:SpeakerPrompts",
        "voxstack_encoders.speakers:Speakers",
    ]
