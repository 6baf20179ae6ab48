"""Where a sentence may be cut."""
# ruff: noqa: RUF001 -- dashes, quotes and signs that look alike are what this is about

from __future__ import annotations

import re

_MARK = re.compile(r"[,;:)—–]\s")
_SPACE = re.compile(r"\s")
_PHRASE = re.compile(r"[,;:—–]\s+(?=[^\s\d])")  # "July 4, 2021" and "one, 2" are read as a whole
_WORDS = re.compile(r"(?:\S+\s+){2}\S")  # a phrase of one or two words sounds chopped, and is over before more is made


def cut(text: str, start: int, limit: int) -> int:
    """Where to cut before ``limit``: behind the last mark in the second half, else behind the last space, else there.

    Between double square brackets, where phones stand, there is no cut if it can be helped.
    """
    for mark, earliest in (_MARK, (start + limit) // 2), (_SPACE, start):
        found = [match.end() for match in mark.finditer(text, earliest, limit)]
        outside = (
            place for place in reversed(found) if text.rfind("[[", start, place) <= text.rfind("]]", start, place)
        )
        place = next(outside, None)
        if place is not None:
            return place
    return limit


def first_phrase(text: str, start: int = 0) -> int | None:
    """The place behind the first comma, semicolon, colon or dash from ``start`` on that has some words before it, or None so far."""
    words = _WORDS.match(text, start)
    match = _PHRASE.search(text, words.end()) if words else None
    return match.end() if match else None


def behind_mark(piece: str) -> bool:
    """Whether a piece ends in a punctuation mark."""
    return piece.rstrip()[-1:] in tuple(",;:)—–")
