"""Numbers, amounts, dates and signs of a text as spoken words, for readers that know words alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

from voxstack_text.normalise.normaliser import UnreadableError, scan
from voxstack_text.normalise.rule import IsKnown
from voxstack_text.spoken_words import PAUSE

_SIGNS = re.compile("[0-9$%&@#\u00a3\u20ac\u00b0+=]")


class SpokenToken(NamedTuple):
    """A written token with a digit or a sign, its place in the text, and the words that are spoken for it."""

    start: int
    end: int
    words: list[str]


def spoken_numbers(text: str, is_known: IsKnown) -> Iterator[SpokenToken]:
    """Yield the tokens of a text in US English that have a digit or a sign, in the order of the text.

    Those that no rule reads are left out.

    :param is_known: returns whether a lower-case word is in the dictionary.
    """
    if not _SIGNS.search(text):
        return
    try:
        spoken = list(scan(text, is_known))
    except UnreadableError:
        return
    for (start, end), words in groupby(spoken, key=lambda word: (word.start, word.end)):
        said = [word.word for word in words if word.word != PAUSE]
        if said and _SIGNS.search(text, start, end):
            yield SpokenToken(start, end, said)
