"""Phones as the integer features that an acoustic model reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

PHONES = (
    "pau aa ae ah ao aw ax ay b ch d dh eh er ey f g hh ih iy jh k l m n ng ow oy p r s sh t th uh uw v w y z zh"
).split()
"""The phone set of CMU flite (US English); ``pau`` is silence. A phone's number is its place here."""

FEATURES = ("phone", "stress", "word_start", "function_word", "pause", "next_pause")
"""What the columns of ``tokens`` mean."""

PAUSES = {".": 1, "?": 2, "!": 3, "start": 4, ",": 5}
"""Kinds of silence, in the ``pause`` column of a ``pau`` and in the ``next_pause`` column of all that leads up to it."""

FUNCTION_WORDS = frozenset(
    (
        "the a an this that these those my your his her its our their every each some any no i you he she we they it me him us "
        "them and but or so because although while when before after until if unless since of to in on at by for with from into "
        "onto under over near as is are was were be been am do does did will would can could should must might may has have had "
        "not than then there"
    ).split()
)
_NUMBERS = {phone: number for number, phone in enumerate(PHONES)}


class Phone(NamedTuple):
    """One phone of an utterance.

    ``stress`` is 1 in a stressed syllable; ``word`` is the word that begins with this phone, or "".
    """

    name: str
    stress: int = 0
    word: str = ""


def token_features(phones: Sequence[Phone], final: str = ".") -> np.ndarray:
    """Return (phones, 6) int64, one row a phone and one column for each of :data:`FEATURES`.

    :param phones: of one sentence, with ``pau`` at its start, at its end and at breaks inside.
    :param final: ``"."``, ``"?"`` or ``"!"``: how the sentence ends.
    """
    rows = np.zeros((len(phones), len(FEATURES)), np.int64)
    function_word = False
    for at, phone in enumerate(phones):
        if phone.word:
            function_word = phone.word in FUNCTION_WORDS
        if phone.name == "pau":
            last = at == len(phones) - 1
            pause = PAUSES["start" if at == 0 else final if last else ","]
            rows[at] = (_NUMBERS["pau"], 0, 0, 0, pause, 0)
            function_word = False
        else:
            rows[at] = (_NUMBERS[phone.name], phone.stress, bool(phone.word), function_word, 0, 0)
    ahead = 0
    for row in rows[::-1]:
        ahead = row[4] or ahead
        row[5] = ahead
    return rows
