"""What the normaliser hands on: words as they are spoken, each with its place in the written text."""
# ruff: noqa: RUF001 -- dashes, quotes and signs that look alike are what this is about

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import NamedTuple

from voxstack_text.pronunciation.symbols import Pronunciation

PAUSE = ","
"""Stands as the word of a :class:`Spoken` for a break."""


class Spoken(NamedTuple):
    """One spoken word, or a pause.

    :param word: in lower case; a single capital is the name of that letter; :data:`PAUSE` is a break.
    :param start: first character, in the written text, of the token that the word comes from.
    :param end: the character behind it.
    :param phones: the pronunciation, where the context decides between several or the request gives it; else None.
    :param seconds: how long a break lasts; None: as the voice says it.
    """

    word: str
    start: int
    end: int
    phones: Pronunciation | None = None
    seconds: float | None = None


_REPLACED = {
    "‘": "'",
    "’": "'",
    "ʼ": "'",
    "“": '"',
    "”": '"',
    "«": '"',
    "»": '"',
    "‐": "-",
    "‑": "-",
    "−": "-",
    "‒": "–",
    "―": "—",
    "⁄": "/",
    "æ": "ae",
    "Æ": "Ae",
    "œ": "oe",
    "Œ": "Oe",
    "ß": "ss",
    "ø": "o",
    "Ø": "O",
    "ł": "l",
    "Ł": "L",
    "đ": "d",
    "Đ": "D",
    "ð": "d",
    "þ": "th",
    "Þ": "Th",
    "ı": "i",
    "≠": "≠",
}
_RAISED = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789", strict=True))
_POWER_OF = re.compile(r"(?:(?:^|[^A-Za-z])[A-Za-z]{1,2}|[\d)])$")
"""What is before a raised number that is a power; behind a word it is a footnote's."""


@dataclass(frozen=True)
class Folded:
    """Text without accents and typographic variants, and where each character of it comes from.

    :param text: the folded text.
    :param origin: index in the written text of each character; one more at the end.
    """

    text: str
    origin: tuple[int, ...]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The place in the written text of ``text[start:end]``, which is not empty."""
        return self.origin[start], max(self.origin[end], self.origin[end - 1] + 1)


def fold(text: str) -> Folded:
    """Reduce text to plain characters where there are any: "é" to "e", "½" to "1/2", "x²" to "x^2", curly quotes to straight ones."""
    if text.isascii():
        return Folded(text, tuple(range(len(text) + 1)))
    characters: list[str] = []
    origin: list[int] = []
    for at, character in enumerate(text):
        plain = character if character.isascii() else _plain(character)
        if "⁄" in plain and at and text[at - 1].isdigit():
            plain = " " + plain  # "2½" is not 21/2
        if character in _RAISED and text[at - 1 : at] not in _RAISED and _POWER_OF.search(text[max(0, at - 3) : at]):
            plain = "^" + plain  # "5²" is not 52
        for part in plain:
            characters.append(_REPLACED.get(part, part))
            origin.extend([at] * len(characters[-1]))
    return Folded("".join(characters), (*origin, len(text)))


def _plain(character: str) -> str:
    if character in _REPLACED:
        return character
    decomposed = unicodedata.normalize("NFKD", character)
    if decomposed == character and unicodedata.category(character) in ("Cf", "Mn"):
        return ""
    return "".join(c for c in decomposed if not unicodedata.combining(c)) if character != "™" else character
