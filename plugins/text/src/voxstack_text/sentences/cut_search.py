"""Where a passage that has too many tokens for the voice's networks is best cut."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import pairwise

from voxstack_text.layout import Layout, Row
from voxstack_text.pronunciation.syllables import syllable_starts
from voxstack_text.tokens import FUNCTION_WORDS

BOUNDARIES = 2
"""Silences around what is spoken at once."""

SMALLEST = 8
"""Tokens that are enough: a syllable of six phones, as in "strength", between silences; a longer one is cut between phones."""

_PIECE, _PAUSE, _CLAUSE, _PHRASE, _WORDS, _CLOSE, _SPOKEN, _SYLLABLE, _PHONE = (
    0.5,
    0.0,
    1.0,
    2.0,
    3.0,
    4.5,
    8.0,
    16.0,
    32.0,
)
"""What it costs to have a piece more, and to cut at a pause, between clauses, phrases, words, words that belong together, and inside
a written word: between the words spoken for it, between syllables, between phones."""

_JOINING = frozenset(
    "and but or so because although while when until if unless since that which who whose where whether".split()
)
"""Words that a clause begins with."""

_LEANING = frozenset("me us him them it not than there".split())
"""Function words that belong to what is before them more often than not."""


def size(rows: list[Row], start: int, end: int) -> int:
    """Tokens of a piece of these rows between its silences; one that stands last in it becomes the silence behind it."""
    return end - start - (rows[end - 1].silent and end < len(rows) - 1)


def cuts(layout: Layout, most: int) -> list[int]:
    """Return the rows that pieces of at most ``most`` tokens begin with, and, at the end, the row of the last silence.

    Of all ways to cut, the best has few pieces of about one length, cut where a speaker would pause: at pauses, then before clauses
    and phrases, then between other words. Phrases begin with a function word behind another word (Liberman and Church 1992, "Text
    analysis and word pronunciation in text-to-speech synthesis"). Inside a written word there is no cut, unless it is too long by
    itself: then between the words spoken for it, of these one that is too long between syllables, and of these one between phones.
    """
    rows, room = layout.rows, most - BOUNDARIES
    costs = _costs(layout, room)
    places = [1, *sorted(costs), len(rows) - 1]
    best: list[tuple[float, int]] = [(0.0, 0)]  # for each place the cost of all before it, and which one is before it
    for number, end in enumerate(places[1:], 1):
        found = []
        for before in range(number - 1, -1, -1):
            tokens = size(rows, places[before], end)
            if tokens > room:
                break
            found.append((best[before][0] + _PIECE + (1 - tokens / room) ** 2 + costs.get(end, 0.0), before))
        best.append(min(found))
    made, number = [places[-1]], best[-1][1]
    while number >= 0:
        made.append(places[number])
        number = best[number][1] if number else -1
    return made[::-1]


def _costs(layout: Layout, room: int) -> dict[int, float]:
    """What a cut before a row costs, for all rows where there may be one: as few as will do to have no more than ``room`` between."""
    rows = layout.rows
    costs = {word.first_token: _between(rows, word.first_token) for word in layout.words[1:]}
    finer: tuple[tuple[Callable[[list[Row], int, int], Iterable[int]], float], ...] = (
        (_spoken_words, _SPOKEN),
        (_syllables, _SYLLABLE),
        (lambda rows, start, end: range(start, end), _PHONE),
    )
    for places, cost in finer:
        for start, end in pairwise([1, *sorted(costs), len(rows) - 1]):
            if size(rows, start, end) > room:
                inside = (at for at in places(rows, start, end) if at > start and not rows[at].silent)
                costs |= {at: _WORDS if rows[at - 1].silent else cost for at in inside}
    return costs


def _between(rows: list[Row], at: int) -> float:
    """The cost of a cut between two written words."""
    if rows[at - 1].silent:
        return _PAUSE
    before, behind = (
        next(rows[row].phone.word for row in range(at - 1, 0, -1) if rows[row].phone.word),
        rows[at].phone.word,
    )
    if behind in _LEANING or (before in FUNCTION_WORDS and behind not in FUNCTION_WORDS):
        return _CLOSE
    if before in FUNCTION_WORDS:
        return _WORDS
    return _CLAUSE if behind in _JOINING else _PHRASE if behind in FUNCTION_WORDS else _WORDS


def _spoken_words(rows: list[Row], start: int, end: int) -> list[int]:
    """Where words begin, or go on behind a silence; "'s" belongs to the one before."""
    return [
        at
        for at in range(start, end)
        if rows[at - 1].silent or (rows[at].phone.word and "'" not in rows[at].phone.word)
    ]


def _syllables(rows: list[Row], start: int, end: int) -> list[int]:
    return [start + at for at in syllable_starts([row.phone.name for row in rows[start:end]])]
