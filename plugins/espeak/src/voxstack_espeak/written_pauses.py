"""Texts as espeak-ng reads them with the pauses that are written, and with none after abbreviations."""
# ruff: noqa: RUF001 -- dashes and quotes that look alike are the subject here

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

_BEFORE = r"(?<=[^\s,;:.!?…(\[—–-])"
"""After anything but white space and marks that are a pause already."""

_CLOSERS = "\"'’”»)\\]"
_DASH = re.compile(rf"{_BEFORE}(?:\s(?:-{{2,3}}(?=\s*[^\s-])|-(?=\s+[^\s\d]))|-{{2,3}}(?=[^\s-])|—(?=\w))\s?")
"""Dashes that espeak-ng does not read as one; it does so for – and — between spaces."""

_ELLIPSIS = re.compile(rf"{_BEFORE}\s?(?:\.{{2,}}|…)(?=(?:[{_CLOSERS}]|\s)*\w)")
_PARENTHESES = re.compile(rf"{_BEFORE}\s(\()(?=\S)[^()\n]{{1,200}}(\))")
_PERIOD = re.compile(r"(?<!\.)\.(?=\s)")
_SPACED = re.compile(r"\s+\S")
_WORD = re.compile(r"[^\W_]")


class Edit(NamedTuple):
    """A replacement for the characters ``start`` to ``end`` of a text."""

    start: int
    end: int
    read: str


class EditedText(NamedTuple):
    """A text after edits, and the index in the original of each of its characters."""

    text: str
    origins: Sequence[int]

    @classmethod
    def of(cls, text: str, edits: Iterable[Edit]) -> EditedText:
        """Return a text after those edits that do not overlap an earlier one."""
        parts, origins, done = [], [], 0
        for start, end, read in sorted(edits):
            if start >= done:
                parts += [text[done:start], read]
                origins += [*range(done, start), *(min(start + index, end - 1) for index in range(len(read)))]
                done = end
        return cls("".join([*parts, text[done:]]), [*origins, *range(done, len(text))])

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return the span in the original of a span that is not empty."""
        return self.origins[start], self.origins[end - 1] + 1


def dashes(text: str) -> Iterator[Edit]:
    """Yield an edit for each dash that espeak-ng reads over: "came--and", "came -- and", "came - and", "came—and"."""
    for match in _DASH.finditer(text):
        yield Edit(*match.span(), " — ")


def ellipses(text: str) -> Iterator[Edit]:
    """Yield an edit for each ellipsis before a word, to a comma: espeak-ng writes no mark for it."""
    for match in _ELLIPSIS.finditer(text):
        yield Edit(*match.span(), ", " if text[match.end()].isalnum() else ",")


def parentheses(text: str) -> Iterator[Edit]:
    """Yield the edits of each pair of parentheses inside a text, to commas: espeak-ng writes no mark for them."""
    for match in _PARENTHESES.finditer(text):
        yield Edit(match.start(), match.start(1) + 1, ", ")
        yield Edit(*match.span(2), "," if _SPACED.match(text, match.end()) else " ")


def periods(text: str, ends: Sequence[int] = ()) -> Iterator[Edit]:
    """Yield an edit for each period that ends no sentence, as in "Dr. Smith", to a space.

    Before a capital or a number, espeak-ng ends a sentence with it otherwise.

    :param ends: indices after the sentences of the text, ascending; its end need not be among them.
    """
    following = -1
    for match in _PERIOD.finditer(text):
        if following <= match.start():
            word = _WORD.search(text, match.end())
            following = word.start() if word else len(text)
        place = bisect_left(ends, match.end())
        if following < len(text) and (place == len(ends) or ends[place] > following):
            yield Edit(*match.span(), " ")
