"""The block ``SentenceEnds``, which finds the ends of sentences by the rules of their language."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from voxstack import RequestError, SequenceBlock, Utterance
from voxstack_text.sentences.end_cuts import may_be_spoken
from voxstack_text.sentences.sentence_stream import split_sentences

_LONGEST = 2000
"""Characters of a sentence, in the window that is searched for its end; a longer one is found in several."""


@dataclass
class SentenceEnds(SequenceBlock):
    """Gives ``sentence_ends`` of ``text``, (sentences,) int64: indices after the last character of each sentence.

    They are those of ``Sentences``, for blocks that synthesize a whole text and report its sentences (``Espeak``).

    :param language: language whose rules find them, as a BCP 47 tag; ``language`` of the utterance comes before it.
    """

    language: str = "en"

    needs = frozenset({"text"})
    gives = frozenset({"sentence_ends"})

    def __call__(self, utterance: Utterance) -> Utterance:
        text = utterance["text"]
        if not isinstance(text, str):
            raise RequestError("SentenceEnds: the text arrives in parts; join them")
        language = str(utterance.get("language") or self.language).partition("-")[0].lower()
        segments = split_sentences(text, _LONGEST, _LONGEST, language, may_be_spoken)
        ends = [segment.start + len(segment.text) for segment in segments if not segment.ending]
        return {"sentence_ends": np.array(ends, np.int64)}
