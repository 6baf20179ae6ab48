"""Layout of a passage: its spoken words as phones and silences."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import NamedTuple

from voxstack_text.tokens import Phone


class Word(NamedTuple):
    """One written token and its place among the tokens of the utterance.

    :param text: the token as written: "1985" is one word, though three words are spoken for it.
    :param start: index of its first character in the request's text, counted from ``text_start``.
    :param end: index after its last character, counted likewise.
    :param first_token: its first row of ``tokens``.
    :param tokens: number of its rows.
    """

    text: str
    start: int
    end: int
    first_token: int
    tokens: int


class Mark(NamedTuple):
    """A named place among the tokens.

    :param text: its name.
    :param start: its index in the request's text, counted from ``text_start``.
    :param end: the same index.
    :param token: the row of ``tokens`` at whose beginning it is reached.
    """

    text: str
    start: int
    end: int
    token: int


class Row(NamedTuple):
    """One phone or silence with its prosody.

    :param position: index of the character of the passage's text that it comes from.
    :param seconds: its duration; NaN: the voice decides.
    :param rate: factor on the speed.
    :param volume: change in dB.
    """

    phone: Phone
    position: int
    seconds: float = math.nan
    rate: float = 1.0
    volume: float = 0.0

    @property
    def silent(self) -> bool:
        """True if it is a silence."""
        return self.phone.name == "pau"


@dataclass
class Layout:
    """A passage as rows that begin and end with a silence, with its written words and its marks."""

    rows: list[Row] = field(default_factory=list)
    words: list[Word] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
