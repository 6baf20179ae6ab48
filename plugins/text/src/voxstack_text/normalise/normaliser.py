"""Written text to spoken words, each with the place of the token that it comes from."""
# ruff: noqa: RUF001 -- dashes, quotes and signs that look alike are what this is about

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator

from voxstack_text.normalise import date_rules, money_rules, number_rules, place_rules, word_rules
from voxstack_text.normalise.rule import Known, Reading, Rule
from voxstack_text.normalise.tables import SYMBOLS, WITHOUT_PERIOD
from voxstack_text.spoken_words import PAUSE, Folded, Spoken, fold

_LOG = logging.getLogger(__name__)
_ADDRESSES = 4  # the first rules for words: dots and digits in an address are not a number's
RULES: tuple[Rule, ...] = (
    *word_rules.RULES[:_ADDRESSES],
    *date_rules.RULES,
    *place_rules.RULES,
    *money_rules.RULES,
    *number_rules.RULES,
    *word_rules.RULES[_ADDRESSES:],
)
"""All rules, in the order in which they are tried at each place."""

_PLAIN = re.compile(r"[a-z]{2,}(?= [a-z])")
"""No rule but the one for words takes such a word, unless it is an abbreviation without a period: most words of a text are so."""

_BREAK = re.compile(r"[,;:.!?()\[\]{}—…]+|--+|(?<=\s)[-–](?=\s)|(?<![\w])–|–(?![\w])")
_SILENT = re.compile(r"\s+|[\"'`*_~^|\\/•·™®–-]")
_SPOKEN = re.compile(rf"[A-Za-z0-9{re.escape(''.join(SYMBOLS))}]|{word_rules.GREEK_LETTER}")


class UnreadableError(ValueError):
    """A rule fails at the characters from ``start`` up to ``end``."""

    def __init__(self, start: int, end: int, problem: str) -> None:
        super().__init__(problem)
        self.start = start
        self.end = end


def pronounceable(text: str) -> bool:
    """Whether there is anything in the text that would be spoken."""
    return _SPOKEN.search(fold(text).text) is not None


def normalise(text: str, known: Known) -> list[Spoken]:
    """Return what is spoken for a sentence; pauses stand inside only, never twice.

    Characters that have no reading are left out, with a warning that lists them.

    :param known: says whether a word in lower case is in the lexicon; what is not may be spelled if it looks like an acronym.
    :raises UnreadableError: for what a rule cannot read.
    """
    return single_pauses(scan(text, known))


def single_pauses(spoken: Iterable[Spoken]) -> list[Spoken]:
    """Join neighbouring pauses to one, and drop those at the ends, but for pauses whose length is given."""
    made: list[Spoken] = []
    for item in spoken:
        last = made[-1] if made else None
        if item.word == PAUSE and last is not None and last.word == PAUSE:
            given = [pause.seconds for pause in (last, item) if pause.seconds is not None]
            made[-1] = last._replace(seconds=sum(given) if given else None)
        elif item.word != PAUSE or last is not None or item.seconds is not None:
            made.append(item)
    if made and made[-1].word == PAUSE and made[-1].seconds is None:
        made.pop()
    return made


def scan(text: str, known: Known, start: int = 0, end: int | None = None) -> Iterator[Spoken]:
    """Yield what is spoken for ``text[start:end]``, read by itself, with every pause."""
    folded, at = fold(text[start:end]), 0
    unknown: list[str] = []
    while at < len(folded.text):
        found = _first_reading(folded, at, known, start)
        if found:
            for word in _words(folded, *found):
                yield word._replace(start=word.start + start, end=word.end + start) if start else word
            at = found[0].end()
        elif match := _BREAK.match(folded.text, at):
            first, behind = folded.span(at, match.end())
            yield Spoken(PAUSE, first + start, behind + start)
            at = match.end()
        elif match := _SILENT.match(folded.text, at):
            at = match.end()
        else:
            unknown.append(folded.text[at])
            at += 1
    if unknown:
        _LOG.warning("skipped characters that have no pronunciation: %s", " ".join(sorted(set(unknown))))


def _first_reading(folded: Folded, at: int, known: Known, start: int) -> tuple[re.Match[str], Reading] | None:
    """The first rule that takes the text from here on, and what it makes of it."""
    text = folded.text
    if text[at].isspace():
        return None
    plain = _PLAIN.match(text, at)
    for pattern, read in (word_rules.WORD,) if plain and plain[0] not in WITHOUT_PERIOD else RULES:
        match = pattern.match(text, at)
        if match:
            try:
                reading = read(match, known)
            except Exception as error:
                first, behind = folded.span(at, match.end())
                raise UnreadableError(
                    start + first, start + behind, f"cannot read {match[0]!r:.60}: {error}"
                ) from error
            if reading:
                return match, reading
    return None


def _words(folded: Folded, match: re.Match[str], reading: Reading) -> Iterator[Spoken]:
    parts = [(0, reading)] if isinstance(reading, str) else reading or []
    for group, words in parts:
        span = folded.span(*match.span(group))
        yield from (Spoken(word, *span) for word in words.split())
