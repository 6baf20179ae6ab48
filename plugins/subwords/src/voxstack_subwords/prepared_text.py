"""Texts as a model was trained to read them, with the place of each character in the text as written."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

_WORD = re.compile(r"\S*\w\S*")
_CLOSING = "[\"'”’)\\]»]*$"  # noqa: RUF001 - what may follow the last mark
_ENDED = re.compile(f"[.!?…。！？]{_CLOSING}")  # noqa: RUF001
_TRAILING = re.compile(rf"[\s,;:\-–—]*({_CLOSING[:-1]})$")  # noqa: RUF001 - weak marks, which a final mark replaces


class PreparedText(NamedTuple):
    """A text, and the index in the original of each of its characters."""

    text: str
    origins: list[int]

    @classmethod
    def of(
        cls, text: str, replace: Mapping[str, str], squeeze: bool = False, capitalize: bool = False, final: str = ""
    ) -> PreparedText:
        """Return a text with characters replaced, white space squeezed, a capital first letter and a final mark.

        A final mark replaces a comma, colon or dash at the end, and precedes closing quotes and brackets.
        """
        characters, origins = [], []
        for index, character in enumerate(text):
            for replacement in replace.get(character, character):
                characters.append(replacement)
                origins.append(index)
        if squeeze:
            characters, origins = _squeeze(characters, origins)
        prepared = "".join(characters)
        if capitalize and (first := re.search(r"\S", prepared)) and len(prepared[first.start()].upper()) == 1:
            prepared = prepared[: first.start()] + prepared[first.start()].upper() + prepared[first.end() :]
        if final and prepared.strip() and not _ENDED.search(prepared.rstrip()):
            prepared, origins = _with_final(prepared, origins, final)
        return cls(prepared, origins)

    def words(self) -> Iterator[tuple[int, int]]:
        """Yield the first character of each word, and the one after its last: runs without white space, not marks."""
        for found in _WORD.finditer(self.text):
            yield found.span()

    def origin(self, start: int, end: int) -> tuple[int, int]:
        """Return the span in the original of the characters from ``start`` up to ``end``."""
        return self.origins[start], self.origins[end - 1] + 1


def _squeeze(characters: list[str], origins: list[int]) -> tuple[list[str], list[int]]:
    """Return one space for each run of white space, and none at the ends."""
    kept = [
        index
        for index, character in enumerate(characters)
        if not character.isspace() or (index and not characters[index - 1].isspace())
    ]
    while kept and characters[kept[-1]].isspace():
        kept.pop()
    spaced = [" " if characters[index].isspace() else characters[index] for index in kept]
    return spaced, [origins[index] for index in kept]


def _with_final(text: str, origins: list[int], final: str) -> tuple[str, list[int]]:
    trailing = _TRAILING.search(text)
    assert trailing is not None, "the pattern matches at the end of every text"
    start, closing = trailing.start(), trailing.start(1)
    place = origins[max(0, start - 1)]
    return text[:start] + final + trailing[1], [*origins[:start], *[place] * len(final), *origins[closing:]]
