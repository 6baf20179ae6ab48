"""Homographs: words that are spelled alike and pronounced differently, resolved by the adjacent words.

The rules are few and plain: the word right before a homograph, the one right after it, words such as "yesterday"
anywhere in the sentence, and whether it begins a clause as an imperative does. Where no rule applies, the more common
variant is taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from voxstack_text.pronunciation.homograph_table import HOMOGRAPHS, Variant
from voxstack_text.spoken_words import PAUSE, SpokenWord

_BEFORE_IMPERATIVE = frozenset(("", "please", "then", "and", "now", "first", "next", "or", "finally", "just"))
"""Words before an imperative; none at the beginning of a clause."""

_PAST = frozenset("yesterday ago earlier once previously".split())
_PAST_AFTER_LAST = frozenset("night week month year summer winter spring fall time monday tuesday sunday".split())


def resolve_homographs(spoken: Sequence[SpokenWord]) -> list[SpokenWord]:
    """Return the words; homographs get the pronunciation that the adjacent words select."""
    words = ["", *("" if item.word == PAUSE else item.word for item in spoken), ""]
    sentence: frozenset[str] | None = None
    resolved = []
    for index, item in enumerate(spoken):
        variants = HOMOGRAPHS.get(item.word)
        if variants:
            sentence = frozenset(words) if sentence is None else sentence
            place = _Place(words[index], words[index + 2], sentence, _names_past(words))
            item = item._replace(phones=next((v for v in variants if place.selects(v)), variants[-1]).phones)
        resolved.append(item)
    return resolved


class _Place(NamedTuple):
    """A homograph's place: the words around it, those of its sentence, and whether they name the past."""

    before: str
    after: str
    sentence: frozenset[str]
    past: bool

    def selects(self, variant: Variant) -> bool:
        """Return whether anything here selects the variant."""
        return bool(
            self.before in variant.before
            or self.after in variant.after
            or (self.before in _BEFORE_IMPERATIVE and self.after in variant.imperative)
            or not variant.near.isdisjoint(self.sentence)
            or (variant.past and self.past)
        )


def _names_past(words: Sequence[str]) -> bool:
    """Return whether a word, or "last" before a time, names a time in the past."""
    last = any(word == "last" and after in _PAST_AFTER_LAST for word, after in pairwise(words))
    return last or not _PAST.isdisjoint(words)
