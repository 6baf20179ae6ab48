"""Spoken words and pauses, the interface between the normaliser and the pronouncer."""

from __future__ import annotations

from typing import NamedTuple

from voxstack_text.pronunciation.symbols import Pronunciation

PAUSE = ","
"""Word of a :class:`SpokenWord` that is a pause."""


class SpokenWord(NamedTuple):
    """One spoken word, or a pause.

    :param word: in lower case; a single capital is the name of that letter; :data:`PAUSE` is a pause.
    :param start: index, in the written text, of the first character of the token that the word comes from.
    :param end: index after the last character of that token.
    :param phones: the pronunciation, where the context decides between several or the request sets it; otherwise None.
    :param seconds: duration of a pause; None: the voice decides.
    """

    word: str
    start: int
    end: int
    phones: Pronunciation | None = None
    seconds: float | None = None
