"""Ends of sentences in a paragraph, found by the library sentencex, also while more text may follow."""
# ruff: noqa: RUF001 -- quotes that look alike are the subject here

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import accumulate

_NEXT_WORD = re.compile(r"\W*\w+\W")
_APOSTROPHE = re.compile(r"(?<=\w)['’](?=\w)|['’](?=(?:\d\ds?|em|tis|twas|cause|til|n)\b)")
_OPENING = re.compile(r"(?<![^\s(\[{“‘\"'—–-])[\"'](?=[^\s.,;:!?)\]}])")
_QUOTES = (('"', "”"), ("'", "’"), ("`", "*"))
_CLOSERS = ("’”»›」》", ")")
"""Characters that end any quotation, and any parenthesis, that the library may consider open."""

_OPENERS = re.compile(r"[‘“«‹「《(（<{\[]")
"""Characters whose quotation or parenthesis one of the closers ends."""

_SHORT = 100  # characters
_PUNCTUATION = re.compile(r"[^\w\s,]")


def sentence_ends(text: str, language: str) -> list[int]:
    """Return the ends of the sentences of a paragraph; blanks after a sentence belong to it."""
    return _ends(with_curly_quotes(text), language)


def _ends(text: str, language: str) -> list[int]:
    # Imported here because it is compiled code, which discovering the block does not need.
    from sentencex import segment  # type: ignore[import-untyped]

    return list(accumulate(map(len, segment(language, text))))


def with_curly_quotes(text: str) -> str:
    """Return the text with curly quotes for straight ones, and letters for apostrophes, one character for one.

    The library pairs straight quotes by counting them in the whole paragraph, apostrophes too: later text would change
    where earlier sentences end.
    """
    if "'" in text or "’" in text:
        text = _APOSTROPHE.sub("x", text)
    if "'" in text or '"' in text:
        text = _OPENING.sub(lambda match: "“" if match[0] == '"' else "‘", text)
    for straight, curly in _QUOTES:
        text = text.replace(straight, curly)
    return text


def may_hold_end(text: str) -> bool:
    """Return whether a sentence may end, or an item of a list begin, in the text: punctuation is in it."""
    return _PUNCTUATION.search(text) is not None


def all_ends(before: str, text: str, language: str) -> list[int]:
    """Return the ends of the sentences of ``text``, which follows the sentence ``before`` and ends the paragraph."""
    return _ends_after(before, text, with_curly_quotes(before + text), language)


def certain_ends(before: str, text: str, reach: int, language: str) -> list[int] | None:
    """Return the ends of the first sentences of ``text`` that no following text can change: mostly one.

    The result is empty while they are uncertain, and None while there are none but that of the text.

    Where a quotation or parenthesis counts as never opened, they are those of all :func:`short_sentences` up to
    ``reach`` characters before the end of the text.

    :param before: the sentence before it in the same paragraph.
    :param reach: characters after which an open quotation counts as never opened.
    """
    curly = with_curly_quotes(before + text)
    ends = _ends_after(before, text, curly, language)
    if ends[0] == len(text):
        return None
    if _NEXT_WORD.match(text, ends[0]) and _is_closed(before, text, curly, ends[0], language):
        return ends[:1]
    return short_sentences(end for end in ends if len(text) - end >= reach)


def _ends_after(before: str, text: str, curly: str, language: str) -> list[int]:
    """Return the ends in ``text``.

    :param curly: ``before + text`` with curly quotes.
    """
    ends = [end - len(before) for end in _ends(curly, language)]
    if before and 0 not in ends:
        ends = sentence_ends(text, language)
    return [end for end in ends if end > 0]


def _is_closed(before: str, text: str, curly: str, end: int, language: str) -> bool:
    """Return whether no quotation or parenthesis is open at the end of the first sentence."""
    # What is around straight quotes decides whether they open a quotation, and after "* " anything makes it a list.
    if text[0] in "\"'" or text[-1] in "\"'" or text[-1].isspace():
        return all(all_ends(before, text + closer, language)[0] == end for closer in _CLOSERS)
    if not _OPENERS.search(curly):
        return True
    return all(_ends_after(before, text + closer, curly + closer, language)[0] == end for closer in _CLOSERS)


def short_sentences(ends: Iterable[int]) -> list[int]:
    """Return the ends of the first sentence and of the short ones right after it.

    Where their ends are only certain far ahead, they are found together: one by one, each would take a search of all
    that is ahead.
    """
    found: list[int] = []
    for end in ends:
        if found and end - found[-1] > _SHORT:
            break
        found.append(end)
    return found


def is_one_sentence(text: str, language: str) -> bool:
    """Return whether no sentence might end inside the text."""
    return len(sentence_ends(text, language)) < 2
