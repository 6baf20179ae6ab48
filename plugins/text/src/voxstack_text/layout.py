"""Lays out the spoken words of a passage as phones and silences."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import NamedTuple

from voxstack import NetworkError
from voxstack_text.passage import Passage
from voxstack_text.pronouncer import Part, Pronouncer, before_vowel
from voxstack_text.spoken import PAUSE, Spoken
from voxstack_text.syllables import phone_stress
from voxstack_text.tokens import Phone


class Word(NamedTuple):
    """One written token and its place among the tokens of the utterance.

    :param text: as it is written: "1985" is one, though three words are spoken for it.
    :param start: its first character in the request's text, counted from ``text_start`` on, and ``end`` the one behind it.
    :param first_token: row of ``tokens`` that it begins with.
    :param tokens: rows that it has.
    """

    text: str
    start: int
    end: int
    first_token: int
    tokens: int


class Mark(NamedTuple):
    """A named place among the tokens.

    :param text: its name.
    :param start: its character in the request's text, counted from ``text_start`` on; ``end`` is the same.
    :param token: row of ``tokens`` with whose beginning it is reached.
    """

    text: str
    start: int
    end: int
    token: int


@dataclass
class Layout:
    """Phones of a passage, a row each, beginning and ending in a silence; for each row the seconds that it lasts, NaN where the
    voice decides, and the character that it comes from; and the words as written.
    """

    phones: list[Phone] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    words: list[Word] = field(default_factory=list)

    def add(self, phone: Phone, place: int, seconds: float = math.nan) -> None:
        """Add a row."""
        self.phones.append(phone)
        self.places.append(place)
        self.seconds.append(seconds)


def lay_out(passage: Passage, spoken: list[Spoken], pronouncer: Pronouncer) -> Layout:
    """Return the layout of a passage; neighbours from one written token are one word.

    :param spoken: what :func:`voxstack_text.reader.read` makes of the passage.
    """
    first, last = (spoken[at].seconds if spoken and spoken[at].word == PAUSE else None for at in (0, -1))
    last = 0.0 if len(spoken) == 1 and last is not None else last
    inner = [item for item in spoken if item.word != PAUSE or item.seconds != 0.0]
    layout = Layout()
    layout.add(Phone("pau"), spoken[0].start if spoken else 0, passage.lead if first is None else first)
    parts = [_parts(passage, item, pronouncer) for item in inner]
    written = {insert.at: insert.written for insert in passage.inserts}
    for number, (item, here) in enumerate(zip(inner, parts, strict=True)):
        if item.word != PAUSE:
            following = parts[number + 1] if number + 1 < len(parts) else []
            _add_word(layout, passage, item, before_vowel(here, following[0][1] if following else ()), written)
        elif 0 < number < len(inner) - 1:
            layout.add(Phone("pau"), item.start, math.nan if item.seconds is None else item.seconds)
    end = 0 if not spoken else len(passage.text)
    layout.add(Phone("pau"), max(0, end - 1), math.nan if last is None else last)
    return layout


def _parts(passage: Passage, item: Spoken, pronouncer: Pronouncer) -> list[Part]:
    if item.word == PAUSE:
        return []
    if item.phones:
        return [(item.word, item.phones)]
    try:
        return pronouncer.parts(item.word)
    except NetworkError as error:
        start, end = passage.span(item.start, item.end)
        where = f"Text: at characters {passage.start + start} to {passage.start + end}, {item.word!r}"
        raise NetworkError(f"{where}: {error}") from error


def _add_word(layout: Layout, passage: Passage, item: Spoken, parts: list[Part], written: dict[int, str]) -> None:
    first = len(layout.phones)
    for name, pronunciation in parts:
        for at, (phone, stress) in enumerate(phone_stress(pronunciation)):
            layout.add(Phone(phone, stress, "" if at else name), item.start)
    span = passage.span(item.start, item.end)
    words = layout.words
    if words and words[-1][1:3] == span:
        first = words.pop().first_token
    if len(layout.phones) > first:
        text = written.get(item.start, passage.text[item.start : item.end])
        words.append(Word(text, *span, first, len(layout.phones) - first))


def marks(passage: Passage, layout: Layout) -> list[Mark]:
    """The flags of a passage as marks: each where the next word or silence behind it begins, at the latest with the last silence."""
    made = []
    first = 0 if layout.seconds[0] > 0 else 1  # the silence before everything counts where it was asked for
    for place, name, behind in passage.flags:
        rows = range(first, len(layout.phones))
        later = (row for row in rows if layout.places[row] >= place and not (behind and _is_break(layout, row, place)))
        start, _ = passage.span(place, place)
        made.append(Mark(name, start, start, next(later, len(layout.phones) - 1)))
    return made


def _is_break(layout: Layout, row: int, place: int) -> bool:
    return layout.phones[row].name == "pau" and layout.places[row] == place
