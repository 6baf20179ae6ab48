"""Written text to spoken words, each with the place of the token that it comes from."""
# ruff: noqa: RUF001 -- dashes, quotes and signs that look alike are what this is about

from __future__ import annotations

import logging
import re
from collections.abc import Iterator

from voxstack_text import date_rules, number_rules, word_rules
from voxstack_text.rules import Known, Reading, Rule
from voxstack_text.spoken import PAUSE, Folded, Spoken, fold
from voxstack_text.tables import SYMBOLS

_LOG = logging.getLogger(__name__)
_ADDRESSES = 4  # the first rules for words: dots and digits in an address are not a number's
RULES: tuple[Rule, ...] = (*word_rules.RULES[:_ADDRESSES], *date_rules.RULES, *number_rules.RULES, *word_rules.RULES[_ADDRESSES:])
"""All rules, in the order in which they are tried at each place."""

_BREAK = re.compile(r"[,;:.!?()\[\]{}—…]+|--+|(?<=\s)[-–](?=\s)|(?<![\w])–|–(?![\w])")
_SILENT = re.compile(r"\s+|[\"'`*_~^|\\/•·™®–-]")
_SPOKEN = re.compile(rf"[A-Za-z0-9{re.escape(''.join(SYMBOLS))}]")


def pronounceable(text: str) -> bool:
    """Whether there is anything in the text that would be spoken."""
    return _SPOKEN.search(fold(text).text) is not None


def normalise(text: str, known: Known) -> list[Spoken]:
    """Return what is spoken for a sentence; pauses stand inside only, never twice.

    Characters that have no reading are left out, with a warning that lists them.

    :param known: says whether a word in lower case is in the lexicon; what is not may be spelled if it looks like an acronym.
    """
    folded = fold(text)
    spoken: list[Spoken] = []
    for word in _scan(folded, known):
        if word.word != PAUSE or (spoken and spoken[-1].word != PAUSE):
            spoken.append(word)
    if spoken and spoken[-1].word == PAUSE:
        spoken.pop()
    return spoken


def _scan(folded: Folded, known: Known) -> Iterator[Spoken]:
    text, at = folded.text, 0
    unknown: list[str] = []
    while at < len(text):
        found = _first_reading(text, at, known)
        if found:
            yield from _words(folded, *found)
            at = found[0].end()
        elif match := _BREAK.match(text, at):
            yield Spoken(PAUSE, *folded.span(at, match.end()))
            at = match.end()
        elif match := _SILENT.match(text, at):
            at = match.end()
        else:
            unknown.append(text[at])
            at += 1
    if unknown:
        _LOG.warning("skipped characters that have no pronunciation: %s", " ".join(sorted(set(unknown))))


def _first_reading(text: str, at: int, known: Known) -> tuple[re.Match[str], Reading] | None:
    """The first rule that takes the text from here on, and what it makes of it."""
    if text[at].isspace():
        return None
    for pattern, read in RULES:
        match = pattern.match(text, at)
        if match:
            reading = read(match, known)
            if reading:
                return match, reading
    return None


def _words(folded: Folded, match: re.Match[str], reading: Reading) -> Iterator[Spoken]:
    parts = [(0, reading)] if isinstance(reading, str) else reading or []
    for group, words in parts:
        span = folded.span(*match.span(group))
        yield from (Spoken(word, *span) for word in words.split())
