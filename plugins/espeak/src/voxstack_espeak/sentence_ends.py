"""The block ``EspeakSentenceEnds``, which finds the ends of sentences as espeak-ng does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from voxstack import Resources, SequenceBlock, Utterance
from voxstack_espeak.phonemes import bracketed, open_phonemizer
from voxstack_espeak.phonemization import Clause, Phonemizer
from voxstack_espeak.raw_phonemes import split_raw


@dataclass
class EspeakSentenceEnds(SequenceBlock):
    """Gives ``sentence_ends`` of ``text``, (sentences,) int64: indices after the last character of each sentence.

    They are where Piper's own software ends sentences, and synthesizes what follows by itself: also after an
    abbreviation before a capital, such as "Dr.". ``Sentences`` (plugin ``text``) cuts there if this is its ``ends``.

    :param voice: name, language or file of the voice of espeak-ng whose rules apply.
    """

    voice: str = "en-us"
    _phonemizer: Phonemizer | None = field(default=None, init=False, repr=False, compare=False)

    needs = frozenset({"text"})
    gives = frozenset({"sentence_ends"})

    def load(self, addon: Resources) -> None:
        self._phonemizer = open_phonemizer(self, self.voice, glides=False)

    def __call__(self, utterance: Utterance) -> Utterance:
        assert self._phonemizer is not None, "EspeakSentenceEnds runs after load(addon)"
        text, opening = bracketed(utterance, "EspeakSentenceEnds")
        ends: list[int] = []
        for part in split_raw(text):
            if not part.raw and part.text:
                ends += [part.start + end - opening for end in _ends(self._phonemizer.clauses(part.text))]
        return {"sentence_ends": np.array([*ends, len(utterance["text"])], np.int64)}


def _ends(clauses: Sequence[Clause]) -> Iterator[int]:
    """Yield the ends of all sentences but the last; clauses without phonemes, such as quotes, follow the one before."""
    last: int | None = None
    for clause in clauses:
        if last is not None and clause.phonemes:
            yield last
            last = None
        if clause.ends_sentence and (clause.phonemes or last is not None):
            last = clause.end
