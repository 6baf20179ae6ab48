"""Text front end: US English to tokens, long texts to sentences, and symbols of any language to tokens by a table."""

from __future__ import annotations

from typing import Any

import voxstack


@voxstack.hookimpl
def voxstack_blocks() -> list[str]:
    """Return the blocks of this plugin, which are imported when a stack names them."""
    return [
        "voxstack_text.arpabet:Arpabet",
        "voxstack_text.characters:Characters",
        "voxstack_text.lexicon:Lexicon",
        "voxstack_text.marked_phonemes:MarkedPhonemes",
        "voxstack_text.rewrite:Rewrite",
        "voxstack_text.phrases:Phrases",
        "voxstack_text.sentences.ends_block:SentenceEnds",
        "voxstack_text.sentences_block:Sentences",
        "voxstack_text.text:Text",
        "voxstack_text.utf8_bytes:Utf8Bytes",
    ]


@voxstack.hookimpl
def voxstack_lexicon(source: Any) -> object:
    """Return the lexicon that a mapping, a file or a list of these describes."""
    from voxstack_text.user_lexicon.sources import read_lexicon

    return read_lexicon(source)
