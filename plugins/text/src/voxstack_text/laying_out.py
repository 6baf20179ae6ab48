"""Laying out a passage: from spoken words to rows of phones and silences."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterator

from voxstack import NetworkError
from voxstack_text.layout import Layout, Mark, Row, Word
from voxstack_text.passage import Passage
from voxstack_text.pronunciation.pronouncer import Pronouncer, WordPart, before_vowel
from voxstack_text.pronunciation.syllables import phone_stress
from voxstack_text.spoken_words import PAUSE, SpokenWord
from voxstack_text.tokens import Phone
from voxstack_text.whole_text import cancellable


def lay_out(passage: Passage, spoken: list[SpokenWord], pronouncer: Pronouncer) -> Layout:
    """Return the layout of a passage; adjacent spoken words from one written token become one word.

    :param spoken: the result of :func:`voxstack_text.normalise.reader.read_passage`.
    :raises NetworkError: with the place of the word, if the network that pronounces it fails.
    """
    first, last = (spoken[index].seconds if spoken and spoken[index].word == PAUSE else None for index in (0, -1))
    last = 0.0 if len(spoken) == 1 and last is not None else last
    inner = [item for item in spoken if item.word != PAUSE or item.seconds != 0.0]
    leading = passage.leading_silence if first is None else first
    layout = Layout([_silence(spoken[0].start if spoken else 0, leading)])
    pronounced = [_pronounce(passage, item, pronouncer) for item in cancellable(inner)]
    written = {insert.position: insert.written for insert in passage.inserts}
    for number, (item, parts) in enumerate(zip(inner, pronounced, strict=True)):
        if item.word != PAUSE:
            following = pronounced[number + 1] if number + 1 < len(pronounced) else []
            _add_word(layout, passage, item, before_vowel(parts, following[0][1] if following else ()), written)
        elif 0 < number < len(inner) - 1:
            layout.rows.append(_silence(item.start, item.seconds))
    end = 0 if not spoken else len(passage.text)
    layout.rows.append(_silence(max(0, end - 1), last))
    layout.rows = _with_prosody(passage, layout.rows)
    layout.marks = list(_marks(passage, layout.rows))
    return layout


def _silence(position: int, seconds: float | None) -> Row:
    return Row(Phone("pau"), position, math.nan if seconds is None else seconds)


def _pronounce(passage: Passage, item: SpokenWord, pronouncer: Pronouncer) -> list[WordPart]:
    if item.word == PAUSE:
        return []
    if item.phones:
        return [(item.word, item.phones)]
    try:
        return pronouncer.pronounce(item.word)
    except NetworkError as error:
        start, end = passage.span(item.start, item.end)
        where = f"Text: at characters {passage.start + start} to {passage.start + end}, {item.word!r}"
        raise NetworkError(f"{where}: {error}") from error


def _add_word(
    layout: Layout, passage: Passage, item: SpokenWord, parts: list[WordPart], written: dict[int, str]
) -> None:
    """Append the rows of a spoken word, and its written word, which it may share with the one before."""
    rows, words = layout.rows, layout.words
    first = len(rows)
    for name, pronunciation in parts:
        for index, (phone, stress) in enumerate(phone_stress(pronunciation)):
            rows.append(Row(Phone(phone, stress, "" if index else name), item.start))
    span = passage.span(item.start, item.end)
    if words and words[-1][1:3] == span:
        first = words.pop().first_token
    if len(rows) > first:
        text = written.get(item.start, passage.text[item.start : item.end])
        words.append(Word(text, *span, first, len(rows) - first))


def _with_prosody(passage: Passage, rows: list[Row]) -> list[Row]:
    """Return the rows, each with the rate and the volume at its position."""
    spans = passage.prosody_spans
    if not spans:
        return rows
    starts = [span.start for span in spans]
    changed = []
    for row in rows:
        span = spans[max(0, bisect_right(starts, row.position) - 1)]
        inside = span.start <= row.position < span.end
        changed.append(row._replace(rate=span.rate, volume=span.volume) if inside else row)
    return changed


def _marks(passage: Passage, rows: list[Row]) -> Iterator[Mark]:
    """Yield the bookmarks of a passage as marks.

    Each is reached where the next word or silence begins, at the latest with the last silence.
    """
    first = 0 if rows[0].seconds > 0 else 1  # the leading silence counts only if the request sets it
    positions = [row.position for row in rows]
    for position, name, after_break in passage.bookmarks:
        later = (
            index
            for index in range(bisect_left(positions, position, first), len(rows))
            if not (after_break and _is_break(rows[index], position))
        )
        start, _ = passage.span(position, position)
        yield Mark(name, start, start, next(later, len(rows) - 1))


def _is_break(row: Row, position: int) -> bool:
    return row.silent and row.position == position
