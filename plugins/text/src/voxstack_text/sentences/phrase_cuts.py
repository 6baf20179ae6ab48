"""Positions at which a sentence may be cut into phrases."""
# ruff: noqa: RUF001 -- dashes, quotes and signs that look alike are the subject here

from __future__ import annotations

import re
from collections.abc import Callable

from voxstack_text.pronunciation.symbols import are_phones

_MARK = re.compile(r"[,;:)—–]\s")
_SPACE = re.compile(r"\s")
_PHRASE = re.compile(
    r"[,;:—–]\s+(?![ivxlc]+\b|[A-Z]{2}\b)(?=[\"'“‘(\[]{0,2}[^\W\d_])"
)  # "July 4, 2021", "one, 2" and marks at the end stay
_UNNAMED = 16  # digits of a number that is read digit by digit
_DIGITS = re.compile(rf"\d{{1,{_UNNAMED}}}")
# A phrase of one or two words sounds chopped, and ends before more audio is computed.
_WORDS = re.compile(r"(?:\S+\s+){2}\S")


def cut_position(text: str, start: int, limit: int) -> int:
    """Return the position at which to cut the text from ``start``, at most ``limit``.

    It is after the last punctuation mark in the second half, otherwise after the last space, otherwise ``limit``. A
    position between double square brackets, which hold phones, is taken only if there is no other.
    """
    opening, last = text.find("[[", start, limit), _cut_in_word(text, start, limit)
    for mark, earliest in (_MARK, (start + limit) // 2), (_SPACE, start):
        positions = [match.end() for match in mark.finditer(text, earliest, limit)]
        outside = (
            position
            for position in reversed(positions)
            if opening < 0 or text.rfind("[[", start, position) <= text.rfind("]]", start, position)
        )
        position = next(outside, None)
        if position is not None:
            return position
        last = positions[-1] if positions else last
    return last


def _cut_in_word(text: str, start: int, limit: int) -> int:
    """Return ``limit``, or a position before it that leaves enough digits for them to be read one by one."""
    after = _DIGITS.match(text, limit)
    digits = after is not None and text[limit - 1].isdecimal() and after.end() - limit < _UNNAMED
    return limit - _UNNAMED if digits and limit - _UNNAMED > start else limit


def ends_inside_phones(segment: str, begins_inside: bool) -> bool:
    """Return whether a segment of a sentence ends between double square brackets, after phones and nothing else.

    :param begins_inside: whether it begins there.
    """
    opening, closing = segment.rfind("[["), segment.rfind("]]")
    if opening > closing:
        return are_phones(segment[opening + 2 :])
    return begins_inside and closing < 0 and are_phones(segment)


def first_phrase_end(text: str, is_pronounceable: Callable[[str], object], start: int = 0) -> int | None:
    """Return the end of the first phrase of three or more words, after its comma, semicolon, colon or dash, or None.

    :param is_pronounceable: returns whether a text has something to pronounce; the phrase has, and what follows it.
    """
    words = _WORDS.match(text, start)
    if words is None:
        return None
    for match in _PHRASE.finditer(text, words.end()):
        phrase, following = text[start : match.end()], text[match.end() : match.end() + 3]
        # Words in capitals are read by those around them.
        if is_pronounceable(phrase) and is_pronounceable(following) and not phrase.isupper():
            return match.end()
    return None


def ends_with_mark(segment: str) -> bool:
    """Return whether a segment ends with a punctuation mark."""
    return segment.rstrip()[-1:] in tuple(",;:)—–")
