"""The parts of a text that a pronunciation dictionary is asked for: ideographs, words and marks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_IDEOGRAPHS = "\u3005\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
_UNIT = re.compile(
    rf"(?P<ideograph>[{_IDEOGRAPHS}])|(?P<word>(?:(?![{_IDEOGRAPHS}])[^\W_]|[\u0300-\u036f])+)|(?P<mark>\S)"
)
_APOSTROPHES = "'\u2019"


class Unit(NamedTuple):
    """An ideograph, a word of letters and digits, or a mark, and its place in the text."""

    kind: str
    text: str
    start: int
    end: int

    def joins(self, following: Unit, apostrophes: bool) -> bool:
        """Return whether this unit and the next may be parts of one word of the dictionary.

        These are ideographs, also with white space between them, and a word with an apostrophe before or after it.
        """
        if self.kind == following.kind == "ideograph":
            return True
        apostrophe = apostrophes and (self.text in _APOSTROPHES or following.text in _APOSTROPHES)
        return apostrophe and self.end == following.start and "word" in (self.kind, following.kind)


def find_units(text: str, start: int, end: int) -> Iterator[Unit]:
    """Yield the units of ``text[start:end]`` in order."""
    for match in _UNIT.finditer(text, start, end):
        yield Unit(str(match.lastgroup), match[0], *match.span())
