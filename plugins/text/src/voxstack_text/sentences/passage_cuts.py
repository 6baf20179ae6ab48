"""Cuts of passages at characters, for readers of any kind, of which only the number of tokens is known."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

from voxstack.streaming.turn import check_cancelled
from voxstack_text.passage import Passage
from voxstack_text.sentences.cut_search import (
    AT_PAUSE,
    BETWEEN_PHONES,
    BETWEEN_SYLLABLES,
    BETWEEN_WORDS,
    SEGMENT_COST,
    cost_between_words,
)
from voxstack_text.sentences.phrase_cuts import ends_inside_phones, ends_with_mark

MARGIN = 0.95
"""Part of the limit that segments are made for, as characters differ in their number of tokens."""

_MARK = re.compile(r"[,;:)\]—–]\s+|[、，；：。！？]\s*")  # noqa: RUF001 -- marks of other scripts
_SPACE = re.compile(r"\s+")
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")  # noqa: RUF001 -- an apostrophe
_PHONES = re.compile(r"\[\[.*?(?:\]\]|$)", re.DOTALL)
_JOINER = "\u200d"


def cut_to_length(passage: Passage, length: int, limit: int, language: str = "en") -> list[Passage]:
    """Return a passage in segments that have about as many tokens as the limit allows, or fewer.

    It is cut where a speaker would pause: after punctuation, then between words, in English before clauses and phrases;
    a word that is too long by itself, and raw phones, are cut inside. How many tokens a segment has depends on its
    characters, so that one may still have too many: cut it again.

    :param length: tokens that the passage has; ``limit``: the most that a segment may have.
    :param language: two letters.
    :returns: the passage alone if it has a single character.
    """
    text = passage.text
    room = min(int(MARGIN * limit * len(text) / length), len(text) - 1)
    if len(text) < 2:
        return [passage]
    cuts = _best_cuts(text, max(1, room), language)
    return list(_segments(passage, cuts))


def _best_cuts(text: str, room: int, language: str) -> list[int]:
    """Return the ends of segments of at most ``room`` characters: few, of similar length, cut at the best places."""
    costs = _cut_costs(text, room, language)
    places = [0, *sorted(costs), len(text)]
    best = [(0.0, 0)]  # for each place, the least cost up to it, and the place of the cut before it
    first = 0  # place from which on a segment up to ``end`` fits
    for number, end in enumerate(places[1:], 1):
        check_cancelled()
        while end - places[first] > room and first < number - 1:
            first += 1
        cost = costs.get(end, 0.0)
        best.append(
            min(
                (best[before][0] + SEGMENT_COST + (1 - (end - places[before]) / room) ** 2 + cost, before)
                for before in range(first, number)
            )
        )
    cuts, number = [], len(places) - 1
    while number:
        cuts.append(places[number])
        number = best[number][1]
    return cuts[::-1]


def _cut_costs(text: str, room: int, language: str) -> dict[int, float]:
    """Return the cost of a cut before a character, for each character where one is allowed.

    Words are cut inside only where more than ``room`` characters would be between two cuts otherwise.
    """
    costs = {match.end(): _cost_at_space(text, match, language) for match in _SPACE.finditer(text)}
    costs |= {match.end(): AT_PAUSE for match in _MARK.finditer(text)}
    for phones in _PHONES.finditer(text):
        inside = range(phones.start() + 1, phones.end())
        costs = {place: cost + BETWEEN_PHONES if place in inside else cost for place, cost in costs.items()}
    costs = {place: cost for place, cost in costs.items() if 0 < place < len(text)}
    for start, end in pairwise([0, *sorted(costs), len(text)]):
        if end - start > room:
            costs |= {place: BETWEEN_SYLLABLES for place in range(start + 1, end) if _is_boundary(text, place)}
    for start, end in pairwise([0, *sorted(costs), len(text)]):
        if end - start > room:  # a base with more marks than that
            costs |= dict.fromkeys(range(start + 1, end), BETWEEN_PHONES)
    return costs


def _cost_at_space(text: str, space: re.Match[str], language: str) -> float:
    if language != "en":
        return BETWEEN_WORDS
    before = [word[0].lower() for word in _WORD.finditer(text, max(0, space.start() - 30), space.start())]
    after = _WORD.match(text, space.end())
    return cost_between_words(before[-1] if before else "", after[0].lower() if after else "")


def _is_boundary(text: str, place: int) -> bool:
    """Return whether a character is no mark on the one before it, nor joined to it."""
    before, after = text[place - 1], text[place]
    joined = _JOINER in (before, after) or unicodedata.category(after) in ("Mn", "Mc", "Me", "Sk")
    return not joined


def _segments(passage: Passage, cuts: list[int]) -> Iterator[Passage]:
    """Yield the segments of a passage that have something in them, with the markup of each."""
    inside, first = passage.phones_before, True
    for start, stop in pairwise([0, *cuts]):
        last = stop == len(passage.text)
        text = passage.text[start:stop]
        before, inside = inside, passage.phones_after if last else ends_inside_phones(text, inside)
        if not text.strip() and not last:
            continue
        segment = _segment(passage, start, stop)
        ending = passage.ending if last else "," if ends_with_mark(text) else " "
        leading = passage.leading_silence if first else 0.0
        yield replace(segment, ending=ending, leading_silence=leading, phones_before=before, phones_after=inside)
        first = False


def _segment(passage: Passage, start: int, stop: int) -> Passage:
    """Return ``text[start:stop]``, stripped, with the markup inside it; a break at a cut ends what is before it."""
    text = passage.text[start:stop]
    begin = start + len(text) - len(text.lstrip())
    text = text.strip()
    end = begin + len(text)

    def inner(position: int) -> int:
        return min(max(position, begin), end) - begin

    is_first, is_last = start == 0, stop == len(passage.text)
    return replace(
        passage,
        text=text,
        start=passage.start + passage.span(begin, begin)[0],
        origins=None if passage.origins is None else passage.origins[begin:end],
        inserts=tuple(
            item._replace(position=item.position - begin) for item in passage.inserts if begin <= item.position < end
        ),
        breaks=tuple(
            item._replace(position=inner(item.position))
            for item in passage.breaks
            if start < item.position <= stop or (is_first and item.position == 0)
        ),
        prosody_spans=tuple(
            span._replace(start=inner(span.start), end=inner(span.end))
            for span in passage.prosody_spans
            if span.start < end and begin < span.end
        ),
        bookmarks=tuple(
            item._replace(position=inner(item.position))
            for item in passage.bookmarks
            if start <= item.position < stop or (is_last and item.position == stop)
        ),
    )
