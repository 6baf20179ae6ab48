"""Search for the best places to cut a passage that has too many tokens for the voice's networks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import pairwise

from voxstack.streaming.turn import check_cancelled
from voxstack_text.layout import Layout, Row
from voxstack_text.pronunciation.syllables import syllable_starts
from voxstack_text.tokens import FUNCTION_WORDS

EDGE_SILENCES = 2
"""Silences around what is spoken at once."""

MIN_LIMIT = 8
"""Smallest limit of tokens: a syllable of six phones between silences, as in "strength".

Longer syllables are cut between phones.
"""

_LARGEST_SEARCHED = 512
"""Largest limit of tokens up to which all ways to cut are compared: each place with all places in reach."""

SEGMENT_COST = 0.5
"""Cost of each segment, so that there are few."""

# Costs of a cut, by its place:
AT_PAUSE = 0.0
BEFORE_CLAUSE = 1.0
BEFORE_PHRASE = 2.0
BETWEEN_WORDS = 3.0
BETWEEN_CLOSE_WORDS = 4.5  # words that belong together
BETWEEN_SPOKEN_WORDS = 8.0  # of one written word, and likewise the two below
BETWEEN_SYLLABLES = 16.0
BETWEEN_PHONES = 32.0

_CLAUSE_WORDS = frozenset(
    "and but or so because although while when until if unless since that which who whose where whether".split()
)
"""Words that a clause begins with."""

_LEANING_WORDS = frozenset("me us him them it not than there".split())
"""Function words that mostly belong to the word before them."""


def token_count(rows: list[Row], start: int, end: int) -> int:
    """Return the tokens of the segment ``rows[start:end]`` between its silences.

    A silence at its end becomes the silence after it.
    """
    return end - start - (rows[end - 1].silent and end < len(rows) - 1)


def best_cuts(layout: Layout, limit: int) -> list[int]:
    """Return the first row of each segment of at most ``limit`` tokens, and, at the end, the row of the last silence.

    Of all ways to cut, the best has few segments of similar length, cut where a speaker would pause: at pauses, then
    before clauses and phrases, then between other words. Phrases begin with a function word after another word
    (Liberman and Church 1992, "Text analysis and word pronunciation in text-to-speech synthesis"). A written word is
    cut only if it is too long by itself: between the words spoken for it; of these, one that is too long between
    syllables; and of these, one between phones. Beyond a limit of 512, each segment is cut at the best place in its
    second half.
    """
    rows, room = layout.rows, limit - EDGE_SILENCES
    costs = _cut_costs(layout, room)
    places = [1, *sorted(costs), len(rows) - 1]
    if limit > _LARGEST_SEARCHED:
        return _cuts_one_by_one(rows, places, costs, room)
    best: list[tuple[float, int]] = [
        (0.0, 0)
    ]  # for each place, the least cost up to it, and the place of the cut before it
    unevenness = [(1 - tokens / room) ** 2 for tokens in range(room + 1)]
    first = 0  # place from which on a segment up to ``end`` fits
    for number, end in enumerate(places[1:], 1):
        check_cancelled()
        last, cost = token_count(rows, 0, end), costs.get(end, 0.0)
        while last - places[first] > room:
            first += 1
        best.append(
            min(
                (best[before][0] + SEGMENT_COST + unevenness[last - places[before]] + cost, before)
                for before in range(first, number)
            )
        )
    cuts, number = [places[-1]], best[-1][1]
    while number >= 0:
        cuts.append(places[number])
        number = best[number][1] if number else -1
    return cuts[::-1]


def _cuts_one_by_one(rows: list[Row], places: list[int], costs: dict[int, float], room: int) -> list[int]:
    """Return the cuts as :func:`best_cuts` does, found in one pass: each place is looked at twice at most."""
    cuts, number = [places[0]], 0
    while token_count(rows, cuts[-1], places[-1]) > room:
        check_cancelled()
        reach = number + 1
        while token_count(rows, cuts[-1], places[reach + 1]) <= room:
            reach += 1
        late = [
            place for place in range(number + 1, reach + 1) if 2 * token_count(rows, cuts[-1], places[place]) > room
        ]
        number = min(late or [reach], key=lambda place: (costs[places[place]], -place))
        cuts.append(places[number])
    return [*cuts, places[-1]]


def _cut_costs(layout: Layout, room: int) -> dict[int, float]:
    """Return the cost of a cut before a row, for each row where one is allowed.

    Written words are cut inside only where more than ``room`` tokens would be between two cuts otherwise.
    """
    rows = layout.rows
    costs = {word.first_token: _cost_before_row(rows, word.first_token) for word in layout.words[1:]}
    finer: tuple[tuple[Callable[[list[Row], int, int], Iterable[int]], float], ...] = (
        (_spoken_word_starts, BETWEEN_SPOKEN_WORDS),
        (_syllable_starts, BETWEEN_SYLLABLES),
        (lambda rows, start, end: range(start, end), BETWEEN_PHONES),
    )
    for places, cost in finer:
        for start, end in pairwise([1, *sorted(costs), len(rows) - 1]):
            if token_count(rows, start, end) > room:
                inside = (row for row in places(rows, start, end) if row > start and not rows[row].silent)
                costs |= {row: BETWEEN_WORDS if rows[row - 1].silent else cost for row in inside}
    return costs


def cost_between_words(before: str, after: str) -> float:
    """Return the cost of a cut between two lower-case words of English without a pause between them."""
    if after in _LEANING_WORDS or (before in FUNCTION_WORDS and after not in FUNCTION_WORDS):
        return BETWEEN_CLOSE_WORDS
    if before in FUNCTION_WORDS:
        return BETWEEN_WORDS
    if after in _CLAUSE_WORDS:
        return BEFORE_CLAUSE
    return BEFORE_PHRASE if after in FUNCTION_WORDS else BETWEEN_WORDS


def _cost_before_row(rows: list[Row], row: int) -> float:
    """Return the cost of a cut before a row that begins a written word."""
    if rows[row - 1].silent:
        return AT_PAUSE
    before = next(rows[index].phone.word for index in range(row - 1, 0, -1) if rows[index].phone.word)
    return cost_between_words(before, rows[row].phone.word)


def _spoken_word_starts(rows: list[Row], start: int, end: int) -> list[int]:
    """Return the rows where spoken words begin, or continue after a silence; "'s" belongs to the word before it."""
    return [
        row
        for row in range(start, end)
        if rows[row - 1].silent or (rows[row].phone.word and "'" not in rows[row].phone.word)
    ]


def _syllable_starts(rows: list[Row], start: int, end: int) -> list[int]:
    return [start + offset for offset in syllable_starts([row.phone.name for row in rows[start:end]])]
