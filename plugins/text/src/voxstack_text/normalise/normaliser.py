"""The normaliser: written text to spoken words, each with the place of the token that it comes from."""
# ruff: noqa: RUF001 -- dashes, quotes and signs that look alike are the subject here

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from voxstack.streaming.turn import check_cancelled
from voxstack_text.normalise import (
    address_rules,
    date_rules,
    measure_rules,
    money_rules,
    number_rules,
    place_rules,
    quantity_rules,
    reference_rules,
    roman_rules,
    scripture_rules,
    time_rules,
    word_rules,
)
from voxstack_text.normalise.abbreviations import ABBREVIATIONS, REFERENCES, WITHOUT_PERIOD
from voxstack_text.normalise.date_rules import MONTH_FORMS
from voxstack_text.normalise.folding import FoldedText, fold
from voxstack_text.normalise.rule import IsKnown, Reading, Rule
from voxstack_text.spoken_words import PAUSE, SpokenWord

_LOG = logging.getLogger("voxstack.text")
RULES: tuple[Rule, ...] = (
    *address_rules.RULES,
    *scripture_rules.RULES,
    *date_rules.RULES,
    *time_rules.RULES,
    *place_rules.RULES,
    *money_rules.RULES,
    *quantity_rules.RULES,
    *number_rules.RULES,
    *measure_rules.RULES,
    *number_rules.PLAIN_RULES,
    *roman_rules.RULES,
    *reference_rules.RULES,
    *word_rules.RULES,
)
"""All rules, in the order in which they are tried at each position."""

_PLAIN = re.compile(r"(?<!per )(?![ivxlc]+\b)[A-Z]?[a-z]{2,}(?= [a-z]|[,;!?]|\.?\Z)")
"""Words that only the rule for words reads, unless another rule begins with them: most words of a text."""

_NOT_PLAIN = frozenset(
    form
    for words in (ABBREVIATIONS, REFERENCES, WITHOUT_PERIOD, roman_rules.SMALL, date_rules.WEEKDAY_FORMS, MONTH_FORMS)
    for word in words
    for form in (word, word.capitalize())
)

_BREAK = re.compile(r"[,;:.!?()\[\]{}—…]+|--+|(?<=\s)[-–](?=\s)|(?<![\w])–|–(?![\w])")
_SILENT = re.compile(r"\s+|[\"'`*_~^|\\/•·™®–-]")
_LONGEST_TOKEN = 1000  # characters that a rule sees: without a bound, each could search all of a long text


class UnreadableError(ValueError):
    """A rule failed at the characters from ``start`` up to ``end``."""

    def __init__(self, start: int, end: int, problem: str) -> None:
        super().__init__(problem)
        self.start = start
        self.end = end


def normalise(text: str, is_known: IsKnown) -> list[SpokenWord]:
    """Return the spoken words of a sentence, with single pauses between words only.

    Characters that have no reading are skipped, with a warning that lists them.

    :param is_known: returns whether a lower-case word is in the lexicon; an unknown word is spelled if it looks like an
        acronym.
    :raises UnreadableError: where a rule fails.
    """
    return merge_pauses(scan(text, is_known))


def merge_pauses(spoken: Iterable[SpokenWord]) -> list[SpokenWord]:
    """Merge adjacent pauses, and drop those at both ends unless the request sets their duration."""
    merged: list[SpokenWord] = []
    for item in spoken:
        last = merged[-1] if merged else None
        if item.word == PAUSE and last is not None and last.word == PAUSE:
            durations = [pause.seconds for pause in (last, item) if pause.seconds is not None]
            merged[-1] = last._replace(seconds=sum(durations) if durations else None)
        elif item.word != PAUSE or last is not None or item.seconds is not None:
            merged.append(item)
    if merged and merged[-1].word == PAUSE and merged[-1].seconds is None:
        merged.pop()
    return merged


def scan(
    text: str, is_known: IsKnown, start: int = 0, end: int | None = None, kept: Sequence[tuple[int, int]] = ()
) -> Iterator[SpokenWord]:
    """Yield the spoken words and every pause of ``text[start:end]``, read by itself.

    :param kept: spans in it that others read, in order; rules see them only as what is before and after.
    :raises UnreadableError: where a rule fails.
    """
    folded, position = fold(text[start:end]), 0
    unknown: list[str] = []
    length = len(folded.text)
    skipped = iter([(folded.index(first - start), folded.index(after - start)) for first, after in kept])
    limit, after = next(skipped, (length, length))
    while position < length:
        check_cancelled()
        if position >= limit:
            position = max(position, after)
            limit, after = next(skipped, (length, length))
            continue
        found = _first_reading(folded, position, is_known, start, limit)
        if found:
            for word in _words(folded, *found):
                yield word._replace(start=word.start + start, end=word.end + start) if start else word
            position = found[0].end()
        elif match := _BREAK.match(folded.text, position, limit):
            span = folded.span(position, match.end())
            yield SpokenWord(PAUSE, span[0] + start, span[1] + start)
            position = match.end()
        elif match := _SILENT.match(folded.text, position, limit):
            position = match.end()
        else:
            unknown.append(folded.text[position])
            position += 1
    if unknown:
        _LOG.warning("skipped characters that have no pronunciation: %s", " ".join(sorted(set(unknown))))


def _first_reading(
    folded: FoldedText, position: int, is_known: IsKnown, start: int, limit: int
) -> tuple[re.Match[str], Reading] | None:
    """Return the match and the reading of the first rule that applies at a position, or None if no rule does.

    :param limit: index that no match goes beyond.
    """
    text = folded.text
    if text[position].isspace():
        return None
    plain = _PLAIN.match(text, position)
    rules = (word_rules.WORD,) if plain and plain[0] not in _NOT_PLAIN else _rules_for(text[position])
    for rule in rules:
        match = rule.pattern.match(text, position, position + _LONGEST_TOKEN)
        if match and match.end() > limit:
            match = rule.pattern.match(text, position, limit)
        if match:
            try:
                reading = rule.read(match, is_known)
            except Exception as error:
                first, after = folded.span(position, match.end())
                problem = f"cannot read {match[0]!r:.60}: {error}"
                raise UnreadableError(start + first, start + after, problem) from error
            if reading:
                return match, reading
    return None


@lru_cache(4096)
def _rules_for(character: str) -> tuple[Rule, ...]:
    """Return the rules whose matches may begin with a character, in their order."""
    return tuple(rule for rule in RULES if rule.first.match(character))


def _words(folded: FoldedText, match: re.Match[str], reading: Reading) -> Iterator[SpokenWord]:
    parts = [(0, reading)] if isinstance(reading, str) else reading or []
    for group, words in parts:
        span = folded.span(*match.span(group))
        yield from (SpokenWord(word, *span) for word in words.split())
