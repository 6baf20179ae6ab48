"""Folding of accents and typographic variants to plain characters."""
# ruff: noqa: RUF001 -- dashes, quotes and signs that look alike are the subject here

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from dataclasses import dataclass
from functools import lru_cache

from voxstack_text.whole_text import cancellable

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
    "‒": "–",
    "―": "—",
    "⁄": "/",
    "∕": "/",
    "′": "'",
    "″": '"',
    "˚": "°",
    "º": "º",
    "﷼": "﷼",
    "〜": "~",
    "～": "~",
    "⁻": "-",
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
    "\u200b": " ",
}
_NEGATION = "\u0338"  # a stroke through the sign before it
_RAISED = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-", strict=True))
_POWER_OF = re.compile(r"(?:(?:^|[^A-Za-z])[A-Za-z]{1,2}|[\d)])$")
"""Text before a raised number that is a power; after a word, a raised number marks a footnote."""


@dataclass(frozen=True)
class FoldedText:
    """Text without accents and typographic variants.

    :param text: the folded text.
    :param origin: for each character of ``text``, its index in the written text; one more entry for the end.
    """

    text: str
    origin: tuple[int, ...]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return the span in the written text of ``text[start:end]``, which must not be empty."""
        return self.origin[start], max(self.origin[end], self.origin[end - 1] + 1)

    def index(self, position: int) -> int:
        """Return the index in ``text`` of the first character that comes from a position of the written text."""
        return bisect_left(self.origin, position)


def fold(text: str) -> FoldedText:
    """Reduce text to plain characters where they exist.

    "é" becomes "e", "½" becomes "1/2", "x²" becomes "x^2", and curly quotes become straight ones.
    """
    if text.isascii():
        return FoldedText(text, tuple(range(len(text) + 1)))
    characters: list[str] = []
    origin: list[int] = []
    for index, character in enumerate(cancellable(text)):
        if text[index + 1 : index + 2] == _NEGATION:
            character = unicodedata.normalize("NFC", character + _NEGATION)
        plain = character if character.isascii() else _plain(character)
        if "⁄" in plain and character != "⁄":
            # "2½" is not 21/2, and "½9" is not 1/29.
            before, after = text[index - 1 : index], text[index + 1 : index + 2]
            plain = " " * before.isdigit() + plain + " " * after.isalnum()
        if (
            character in _RAISED
            and text[index - 1 : index] not in _RAISED
            and _POWER_OF.search(text[max(0, index - 3) : index])
        ):
            plain = "^" + plain  # "5²" is not 52
        if character in _RAISED and text[index + 1 : index + 2].isascii() and text[index + 1 : index + 2].isalnum():
            plain += " "  # "10²5" is not 10 to the 25
        for part in plain:
            characters.append(_REPLACED.get(part, part))
            origin.extend([index] * len(characters[-1]))
    return FoldedText("".join(characters), (*origin, len(text)))


@lru_cache(4096)
def _plain(character: str) -> str:
    if character in _REPLACED:
        return character
    decomposed = unicodedata.normalize("NFKD", character)
    if _NEGATION in decomposed:
        return character  # "∉" is not "∈"
    if decomposed == character and unicodedata.category(character) in ("Cf", "Mn"):
        return ""
    return "".join(c for c in decomposed if not unicodedata.combining(c)) if character != "™" else character
