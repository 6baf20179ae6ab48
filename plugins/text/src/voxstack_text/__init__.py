"""Text front end: US English to tokens, long texts to sentences, and symbols of any language to tokens by a table."""

from __future__ import annotations

import voxstack
from voxstack_text.arpabet import Arpabet
from voxstack_text.characters import Characters
from voxstack_text.sentences_block import Sentences
from voxstack_text.text import Text, Word

__all__ = ["Arpabet", "Characters", "Sentences", "Text", "Word", "voxstack_blocks"]


@voxstack.hookimpl
def voxstack_blocks() -> list[type[voxstack.Block]]:
    """Return the blocks of this plugin."""
    return [Arpabet, Characters, Sentences, Text]
