"""Japanese text in one form, with the place in the original of each of its characters."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

from voxstack_japanese.numbers import MAX_DIGITS, number_kana

_CLUSTER = re.compile(r".[\u0300-\u036f\u3099\u309a\uff9e\uff9f\ufe00-\ufe0f\U000e0100-\U000e01ef]*", re.DOTALL)
"""A character with the marks that belong to it."""
_NUMBER = re.compile(r"\d+")
_SMALL_KATAKANA = str.maketrans("ㇰㇱㇲㇳㇴㇵㇶㇷㇸㇹㇺㇻㇼㇽㇾㇿ", "クシストヌハヒフヘホムラリルレロ")
_RANGE = re.compile(r"[〜～](?=\d)")
_FROM = "\ue000"
"""Stands for a wave before a number: "from ... to". It is a character of private use, which no text means."""


class Normalised(NamedTuple):
    """A text with the span of each of its characters in the original.

    :param spans: (first character, end) of each.
    """

    text: str
    spans: list[tuple[int, int]]


def normalised(original: str) -> Normalised:
    """Return a text in normal form KC, with numbers of up to :data:`MAX_DIGITS` digits written in kana."""
    characters: list[str] = []
    spans: list[tuple[int, int]] = []
    for cluster in _CLUSTER.finditer(_RANGE.sub(_FROM, original.translate(_SMALL_KATAKANA))):
        piece = unicodedata.normalize("NFKC", cluster.group()).replace(_FROM, "から")
        characters += piece
        spans += [cluster.span()] * len(piece)
    text = "".join(characters)
    parts: list[str] = []
    places: list[tuple[int, int]] = []
    done = 0
    for match in _NUMBER.finditer(text):
        digits = match.group()
        kana = " " + (number_kana(int(digits)) if len(digits) <= MAX_DIGITS else digits)
        start, end = match.span()
        parts += [text[done:start], kana]
        places += spans[done:start] + [(spans[start][0], spans[end - 1][1])] * len(kana)
        done = end
    return Normalised("".join([*parts, text[done:]]), places + spans[done:])
