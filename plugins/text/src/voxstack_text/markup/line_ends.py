"""Line ends of plain text: which of them are pauses, and which only wrap a sentence."""
# ruff: noqa: RUF001 -- dashes, quotes and signs that look alike are the subject here

from __future__ import annotations

import re

from voxstack_text.markup.scanner import Paragraph

_SHORT = 45  # characters; a longer line may have been wrapped
_MARGIN = 20  # characters that a word may take: a line that is so much shorter than the widest was not wrapped
_NUMBER_SIGNS = "$£€¥+"
_VERSE = 3  # lines with capitals after which a text is verse, or a list
_STOP = re.compile(r"[!?…:;,—–-][)\]}\"'”’»]*\s*$")
_UNFINISHED = frozenset(
    "a an the this that these those my your his her its our their and or but nor so as if than then when while because "
    "of in on at to by for from with into onto over under about after before between through against without within "
    "is are was were be been am has have had do does did will would can could should may might must not very "
    "met saw called named who whom whose which what where how mr mrs ms dr st prof".split()
)
"""Words after which a line does not end by itself."""

_LAST_WORD = re.compile(r"([^\W\d_]+)\W*$")
_FEW_WORDS = re.compile(r"(?:\S+\s+){0,2}\S+\s*$")


def is_pause(paragraph: Paragraph, tail: str, length: int, following: str) -> bool:
    """Return whether the end of a line of text is a pause: a short line, before one that begins with a capital.

    :param tail: the end of the line as it is read.
    :param length: characters of the line.
    :param following: the first character of the next line after its quotes.
    """
    line = tail.rpartition("\n")[2].strip()
    is_number = following.isdigit() or following in _NUMBER_SIGNS
    if _STOP.search(line) or not (following.isupper() or is_number) or not following:
        return False
    last = _LAST_WORD.search(line)
    if last and last[1].lower() in _UNFINISHED and not last[1].isupper():
        return False
    if is_number:
        is_title = paragraph.first.isupper() and length < _SHORT and _FEW_WORDS.fullmatch(line) is not None
        return is_title or paragraph.first.isdigit()
    if paragraph.lines >= _VERSE and paragraph.capitals == paragraph.lines:
        return True
    return length < _SHORT or length + _MARGIN < paragraph.widest
