"""Phones as the integer features that an acoustic model reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

PHONES = (
    "pau aa ae ah ao aw ax ay b ch d dh eh er ey f g hh ih iy jh k l m n ng ow oy p r s sh t th uh uw v w y z zh"
).split()
"""The phone set of CMU flite (US English); ``pau`` is silence. A phone's number is its index here."""

VOWELS = frozenset("aa ae ah ao aw ax ay eh er ey ih iy ow oy uh uw".split())

LETTER_A = "_a"
"""Word of the letter A: "a" is a function word."""

REQUESTED_PHONES = "_given"
"""Word of phones that the request sets."""

FEATURES = ("phone", "stress", "word_start", "function_word", "pause", "next_pause")
"""Names of the columns of ``tokens``."""

PAUSES = {".": 1, "?": 2, "!": 3, "start": 4, ",": 5}
"""Numbers of the kinds of silence, for the ``pause`` column of a ``pau`` and the ``next_pause`` column before it."""

FUNCTION_WORDS = frozenset(
    (
        "the a an this that these those my your his her its our their every each some any no i you he she we "
        "they it me him us them and but or so because although while when before after until if unless since "
        "of to in on at by for with from into onto under over near as is are was were be been am do does did "
        "will would can could should must might may has have had not than then there"
    ).split()
)
_STRESSED = {(vowel, stress): f"{vowel}{stress}" for vowel in VOWELS for stress in (0, 1)}
_NUMBERS = {phone: number for number, phone in enumerate(PHONES)}


class Phone(NamedTuple):
    """One phone of an utterance.

    :param stress: 1 in a stressed syllable, otherwise 0.
    :param word: the word that begins with this phone, or "".
    """

    name: str
    stress: int = 0
    word: str = ""

    @property
    def symbol(self) -> str:
        """The phone as between double square brackets: a vowel is followed by its stress."""
        return _STRESSED.get(self[:2], self.name)

    @property
    def spoken(self) -> str:
        """The word as a reader expects it; "" for phones that the request sets."""
        return "a" if self.word == LETTER_A else "" if self.word == REQUESTED_PHONES else self.word


def token_features(phones: Sequence[Phone], final: str = ".") -> np.ndarray:
    """Return the tokens of one sentence, (phones, 6) int64, with the columns :data:`FEATURES`.

    :param phones: with ``pau`` at the start, at the end and at pauses inside.
    :param final: kind of the last silence: the sentence's final mark, ``"."``, ``"?"`` or ``"!"``, or ``","`` where it
        was cut.
    """
    rows = np.zeros((len(phones), len(FEATURES)), np.int64)
    function_word = False
    for index, phone in enumerate(phones):
        if phone.word:
            function_word = phone.word in FUNCTION_WORDS
        if phone.name == "pau":
            last = index == len(phones) - 1
            pause = PAUSES["start" if index == 0 else final if last else ","]
            rows[index] = (_NUMBERS["pau"], 0, 0, 0, pause, 0)
            function_word = False
        else:
            rows[index] = (_NUMBERS[phone.name], phone.stress, bool(phone.word), function_word, 0, 0)
    ahead = 0
    for row in rows[::-1]:
        ahead = row[4] or ahead
        row[5] = ahead
    return rows
