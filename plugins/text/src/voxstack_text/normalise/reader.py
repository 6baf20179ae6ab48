"""From a passage to spoken words: what is read by rules, and what the request says how to say."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from voxstack import RequestError
from voxstack_text.normalise.normaliser import UnreadableError, scan, single_pauses
from voxstack_text.normalise.rule import Known
from voxstack_text.passage import Insert, Passage
from voxstack_text.pronunciation.symbols import SYMBOLS, VOWELS, Pronunciation
from voxstack_text.spoken_words import PAUSE, Spoken

_INLINE = re.compile(r"\[\[([^\[\]]*)\]\]")
GIVEN = "_given"
"""Stands as the word where the request gives the phones."""


def read(passage: Passage, known: Known) -> list[Spoken]:
    """Return what is spoken for a passage, with its places in the passage's text.

    Between double square brackets stand phones. Around such, and around inserts, the text is read stretch by stretch.

    :param known: says whether a word in lower case is in the lexicon.
    :raises RequestError: for phones that do not exist, and what cannot be read, with the place.
    """
    try:
        items = [*_read(passage, known), *_breaks(passage)]
    except UnreadableError as error:
        hint = "write it otherwise, or give its phones in [[ ]]"
        raise RequestError(f"{_where(passage, error.start, error.end)}: {error}; {hint}") from error
    return single_pauses(sorted(items, key=_order))


def _where(passage: Passage, start: int, end: int) -> str:
    first, behind = passage.span(start, end)
    return f"Text: at characters {passage.start + first} to {passage.start + behind}"


def _order(item: Spoken) -> tuple[int, bool]:
    return item.start, item.seconds is None and item.end > item.start  # a break stands before the word at its place


def _breaks(passage: Passage) -> Iterator[Spoken]:
    for place, seconds in passage.breaks:
        yield Spoken(PAUSE, place, place, None, None if math.isnan(seconds) else seconds)


def _read(passage: Passage, known: Known) -> Iterator[Spoken]:
    text, done = passage.text, 0
    given = [(insert.at, insert.at + 1, insert) for insert in passage.inserts]
    given += [
        (match.start(), match.end(), Insert(match.start(), match[0], match[1], "phones"))
        for match in _INLINE.finditer(text)
    ]
    for start, end, insert in sorted(given):
        yield from scan(text, known, done, start)
        yield from _insert(passage, insert, start, end, known)
        done = end
    yield from scan(text, known, done)


def _insert(passage: Passage, insert: Insert, start: int, end: int, known: Known) -> Iterator[Spoken]:
    if insert.kind == "phones":
        yield Spoken(GIVEN, start, end, phones(insert.said, f"{_where(passage, start, end)}, {insert.written!r}"))
    elif insert.kind == "words":
        yield from (Spoken(word, start, end) for word in insert.said.split())
    else:
        try:
            yield from (item._replace(start=start, end=end) for item in scan(insert.said, known))
        except UnreadableError as error:
            raise UnreadableError(start, end, str(error)) from error


def phones(written: str, where: str) -> Pronunciation:
    """Read phones with spaces between; a vowel may have 1 behind it for stress, or 0.

    :param where: begins the error.
    :raises RequestError: naming the phone that does not exist, and those that do.
    """
    made = tuple(f"{phone}0" if phone in VOWELS else phone for phone in written.split())
    unknown = next((phone for phone in made if phone not in SYMBOLS), None)
    if unknown is not None or not made:
        problem = f"there is no phone {unknown!r}" if made else "there are no phones"
        names = " ".join(symbol for symbol in SYMBOLS if not symbol.endswith("0"))
        raise RequestError(f"{where}: {problem}; this voice has {names} (1: stressed, 0 or nothing: not)")
    return made
