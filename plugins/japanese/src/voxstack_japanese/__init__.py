"""Japanese text to phonemes, read with the dictionary of OpenJTalk."""

from __future__ import annotations

import voxstack


@voxstack.hookimpl
def voxstack_blocks() -> list[str]:
    """Return the blocks of this plugin, which are imported when a stack names them."""
    return ["voxstack_japanese.phonemes:JapanesePhonemes"]
