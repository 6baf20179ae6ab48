"""Ends of sentences in a paragraph, found by the library sentencex, also while more text may follow."""
# ruff: noqa: RUF001 -- quotes that look alike are the subject here

from __future__ import annotations

import re
from itertools import accumulate

_NEXT_WORD = re.compile(r"\W*\w+\W")
_APOSTROPHE = re.compile(r"(?<=\w)['’](?=\w)|['’](?=(?:\d\ds?|em|tis|twas|cause|til|n)\b)")
_OPENING = re.compile(r"(?<![^\s(\[{“‘\"'—–-])[\"'](?=[^\s.,;:!?)\]}])")
_QUOTES = str.maketrans({'"': "”", "'": "’", "`": "*"})
_CLOSERS = ("’”»›」》", ")")
"""Characters that end any quotation, and any parenthesis, that the library may consider open."""


def sentence_ends(text: str, language: str) -> list[int]:
    """Return the ends of the sentences of a paragraph; blanks after a sentence belong to it."""
    # Imported here because it is compiled code, which discovering the block does not need.
    from sentencex import segment  # type: ignore[import-untyped]

    return list(accumulate(map(len, segment(language, with_curly_quotes(text)))))


def with_curly_quotes(text: str) -> str:
    """Return the text with curly quotes for straight ones, and letters for apostrophes, one character for one.

    The library pairs straight quotes by counting them in the whole paragraph, apostrophes too: later text would change
    where earlier sentences end.
    """
    text = _APOSTROPHE.sub("x", text)
    return _OPENING.sub(lambda match: "“" if match[0] == '"' else "‘", text).translate(_QUOTES)


def first_end(before: str, text: str, language: str) -> int:
    """Return the end of the first sentence of ``text``, which follows the sentence ``before``."""
    ends = [end - len(before) for end in sentence_ends(before + text, language)]
    if before and 0 not in ends:
        return first_end("", text, language)
    return next(end for end in ends if end > 0)


def certain_end(before: str, text: str, reach: int, language: str) -> int | None:
    """Return the end of the first sentence of ``text`` if no following text can change it, otherwise None.

    :param before: the sentence before it in the same paragraph.
    :param reach: characters after which an open quotation counts as never opened.
    """
    end = first_end(before, text, language)
    if end == len(text):
        return None
    closed = all(first_end(before, text + closer, language) == end for closer in _CLOSERS)
    return end if (closed and _NEXT_WORD.match(text, end)) or len(text) - end >= reach else None


def is_one_sentence(text: str, language: str) -> bool:
    """Return whether no sentence might end inside the text."""
    return len(sentence_ends(text, language)) < 2
