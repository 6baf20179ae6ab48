"""Lays out the spoken words of a passage as phones and silences."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from voxstack import NetworkError
from voxstack_text.passage import Passage
from voxstack_text.pronunciation.pronouncer import Part, Pronouncer, before_vowel
from voxstack_text.pronunciation.syllables import phone_stress
from voxstack_text.spoken_words import PAUSE, Spoken
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


class Row(NamedTuple):
    """One phone or silence, and how it is spoken.

    :param place: the character of the passage's text that it comes from.
    :param seconds: how long it lasts, NaN where the voice decides.
    :param rate: how many times as fast.
    :param volume: dB louder.
    """

    phone: Phone
    place: int
    seconds: float = math.nan
    rate: float = 1.0
    volume: float = 0.0

    @property
    def silent(self) -> bool:
        """Whether it is a silence."""
        return self.phone.name == "pau"


@dataclass
class Layout:
    """A passage as rows, beginning and ending in a silence, with the words as written and the marks among them."""

    rows: list[Row] = field(default_factory=list)
    words: list[Word] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)


def lay_out(passage: Passage, spoken: list[Spoken], pronouncer: Pronouncer) -> Layout:
    """Return the layout of a passage; neighbours from one written token are one word.

    :param spoken: what :func:`voxstack_text.normalise.reader.read` makes of the passage.
    """
    first, last = (spoken[at].seconds if spoken and spoken[at].word == PAUSE else None for at in (0, -1))
    last = 0.0 if len(spoken) == 1 and last is not None else last
    inner = [item for item in spoken if item.word != PAUSE or item.seconds != 0.0]
    layout = Layout([_silence(spoken[0].start if spoken else 0, passage.lead if first is None else first)])
    parts = [_parts(passage, item, pronouncer) for item in inner]
    written = {insert.at: insert.written for insert in passage.inserts}
    for number, (item, here) in enumerate(zip(inner, parts, strict=True)):
        if item.word != PAUSE:
            following = parts[number + 1] if number + 1 < len(parts) else []
            _add_word(layout, passage, item, before_vowel(here, following[0][1] if following else ()), written)
        elif 0 < number < len(inner) - 1:
            layout.rows.append(_silence(item.start, item.seconds))
    end = 0 if not spoken else len(passage.text)
    layout.rows.append(_silence(max(0, end - 1), last))
    layout.rows = _in_their_manner(passage, layout.rows)
    layout.marks = list(_marks(passage, layout.rows))
    return layout


def _silence(place: int, seconds: float | None) -> Row:
    return Row(Phone("pau"), place, math.nan if seconds is None else seconds)


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
    rows, words = layout.rows, layout.words
    first = len(rows)
    for name, pronunciation in parts:
        for at, (phone, stress) in enumerate(phone_stress(pronunciation)):
            rows.append(Row(Phone(phone, stress, "" if at else name), item.start))
    span = passage.span(item.start, item.end)
    if words and words[-1][1:3] == span:
        first = words.pop().first_token
    if len(rows) > first:
        text = written.get(item.start, passage.text[item.start : item.end])
        words.append(Word(text, *span, first, len(rows) - first))


def _in_their_manner(passage: Passage, rows: list[Row]) -> list[Row]:
    """The rows, each at the rate and the volume of its place."""
    for manner in passage.manners:
        rows = [
            row._replace(rate=manner.rate, volume=manner.volume) if manner.start <= row.place < manner.end else row
            for row in rows
        ]
    return rows


def _marks(passage: Passage, rows: list[Row]) -> Iterator[Mark]:
    """The flags of a passage as marks: each where the next word or silence behind it begins, at the latest with the last silence."""
    first = 0 if rows[0].seconds > 0 else 1  # the silence before everything counts where it was asked for
    for place, name, behind in passage.flags:
        later = (
            at
            for at in range(first, len(rows))
            if rows[at].place >= place and not (behind and _is_break(rows[at], place))
        )
        start, _ = passage.span(place, place)
        yield Mark(name, start, start, next(later, len(rows) - 1))


def _is_break(row: Row, place: int) -> bool:
    return row.silent and row.place == place
