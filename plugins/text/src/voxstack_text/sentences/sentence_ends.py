"""Ends of sentences in a paragraph, found by the library sentencex, also while more text may follow."""
# ruff: noqa: RUF001 -- quotes that look alike are the subject here

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from itertools import accumulate

from voxstack_text.normalise.abbreviations import BEFORE_YEAR, BOOKS, REFERENCES

_NEXT_WORD = re.compile(r"(\W*)\w+\W")
_APOSTROPHE = re.compile(r"(?<=\w)['’](?=\w)|['’](?=(?:\d\ds?|em|tis|twas|cause|til|n)\b)")
_ITEM = re.compile(r"(?:(?<=^[\da-z])|(?<=\s[\da-z])|(?<=^\d\d)|(?<=\s\d\d))\)(?=\s|$)")
_OPENING = re.compile(r"(?<![^\s(\[{“‘\"'—–-])[\"'](?=[^\s.,;:!?)\]}])")
_QUOTES = (('"', "”"), ("'", "’"), ("`", "*"))
_CLOSERS = ("’”»›」》", ")")
"""Characters that end any quotation, and any parenthesis, that the library may consider open."""

_OPENERS = re.compile(r"[‘“«‹「《(（<{\[]")
"""Characters whose quotation or parenthesis one of the closers ends."""

_LONGEST_ABBREVIATION = 20  # characters, amply, with the period and blanks
_COUNT = re.compile(r"\d|[IVXLC]+\b|[ivxlc]+\b")
_FAR, _TINY = 100, 4  # characters up to the next word, and of a sentence
_QUOTATION = re.compile(r"[\"'`‘’‚‛“”„‟«»‹›「」《》()（）\[\]{}<>]")
_UNSETTLED = re.compile(r"[\s\"'`‘’]")  # what follows decides what they are: "* " may begin an item of a list
_PUNCTUATION = re.compile(r"[^\w\s,]")


def sentence_ends(text: str, language: str) -> list[int]:
    """Return the ends of the sentences of a paragraph; blanks after a sentence belong to it."""
    return _ends(with_curly_quotes(text), language)


def _ends(text: str, language: str) -> list[int]:
    # Imported here because it is compiled code, which discovering the block does not need.
    from sentencex import segment  # type: ignore[import-untyped]

    ends = list(accumulate(map(len, segment(language, text))))
    return ends if language != "en" else [end for end in ends if end == len(text) or not _is_inside(text, end)]


def _is_inside(text: str, end: int) -> bool:
    """Return whether an end is after the period of an abbreviation before a number, or of a name such as ".NET"."""
    following = text[end]
    if following == "=":
        return text[end - 1] == "!"
    if text[end - 1] == "." and following.isalnum():
        return text.startswith("NET", end) or end < 2 or text[end - 2].isspace()
    if following.isupper() and text[max(0, end - 5) : end].rstrip().endswith(" v."):
        return True
    if not (following.isdigit() or following in "IVXLCivxlc"):
        return False
    before = text[max(0, end - _LONGEST_ABBREVIATION) : end]
    return bool(_COUNT.match(text, end) and _reference().search(before))


@cache
def _reference() -> re.Pattern[str]:
    """Return the pattern of an abbreviation before a number, which takes a while to compile and is rarely needed."""
    forms = {*REFERENCES, *BEFORE_YEAR, *map(str.capitalize, REFERENCES), *BOOKS}
    return re.compile(rf"(?<![\w.])(?:{'|'.join(forms)})\.\s*$")


def with_curly_quotes(text: str) -> str:
    """Return the text with curly quotes for straight ones, and letters for apostrophes, one character for one.

    The library pairs straight quotes by counting them in the whole paragraph, apostrophes too: later text would change
    where earlier sentences end. So would numbers such as "2)", between which it ends no sentence: they lose the mark.
    """
    if ")" in text:
        text = _ITEM.sub(_without_mark, text)
    if "'" in text or "’" in text:
        text = _APOSTROPHE.sub("x", text)
    if "'" in text or '"' in text:
        text = _OPENING.sub(lambda match: "“" if match[0] == '"' else "‘", text)
    for straight, curly in _QUOTES:
        text = text.replace(straight, curly)
    return text


def _without_mark(mark: re.Match[str]) -> str:
    """Return a comma for the mark of an item; one that closes a parenthesis stays."""
    text, position = mark.string, mark.start()
    return ")" if text.rfind("(", 0, position) > text.rfind(")", 0, position) else ","


def may_hold_end(text: str) -> bool:
    """Return whether a sentence may end, or an item of a list begin, in the text: punctuation is in it."""
    return _PUNCTUATION.search(text) is not None


def may_settle(text: str, end: int, searched: int) -> bool:
    """Return whether an uncertain end may be certain in ``text``, if it was not in its first ``searched`` characters.

    It is uncertain while the next word is incomplete, and while a quotation or parenthesis is open.
    """
    following = _NEXT_WORD.match(text, end)
    if following is None or following.end() > searched:
        return following is not None
    return _UNSETTLED.match(text, searched - 1) is not None or _QUOTATION.search(text, searched) is not None


def all_ends(before: str, text: str, language: str) -> list[int]:
    """Return the ends of the sentences of ``text``, which follows the sentence ``before`` and ends the paragraph."""
    return _ends_after(before, text, with_curly_quotes(before + text), language)


def certain_ends(before: str, text: str, reach: int, language: str) -> tuple[list[int], int | None]:
    """Return the ends of the first sentences of ``text`` that no following text can change: mostly one, or none.

    Beside them is the first end, be it certain or not, or None where only the text ends.

    Where a quotation or parenthesis counts as never opened, they are those of all :func:`short_sentences` up to
    ``reach`` characters before the end of the text; where the next word is far, of all up to it; and where sentences
    have four characters at most, of all of these.

    :param before: the sentence before it in the same paragraph.
    :param reach: characters after which an open quotation counts as never opened.
    """
    curly = with_curly_quotes(before + text)
    ends = _ends_after(before, text, curly, language)
    if ends[0] == len(text):
        return [], None
    following = _NEXT_WORD.match(text, ends[0])
    if following and _is_closed(before, text, curly, ends[0], language):
        if following.end(1) > ends[0] + _FAR:
            return short_sentences(end for end in ends if end <= following.end(1)), ends[0]
        if ends[0] <= _TINY and not _OPENERS.search(curly):
            return short_sentences((end for end in ends if _NEXT_WORD.match(text, end)), _TINY), ends[0]
        return ends[:1], ends[0]
    return short_sentences(end for end in ends if len(text) - end >= reach), ends[0]


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


def short_sentences(ends: Iterable[int], longest: int = 100) -> list[int]:
    """Return the ends of the first sentence and of the short ones right after it.

    They are found together: one by one, each would take a search of all that is ahead.

    :param longest: characters of a short sentence.
    """
    found: list[int] = []
    for end in ends:
        if found and end - found[-1] > longest:
            break
        found.append(end)
    return found


def is_one_sentence(text: str, language: str) -> bool:
    """Return whether no sentence might end inside the text."""
    return len(sentence_ends(text, language)) < 2
