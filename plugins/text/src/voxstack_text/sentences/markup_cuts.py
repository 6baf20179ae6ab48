"""Cuts of passages whose markup asks for much more speech or silence than their text."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from voxstack_text.passage import Break, Insert, Passage
from voxstack_text.sentences.phrase_cuts import cut_position, ends_with_mark
from voxstack_text.whole_text import cancellable

_PER_SECOND = 8  # characters that a second of silence counts as
_LONGEST_SILENCE = 60.0  # seconds
_POSITION = attrgetter("position")


class _Part(NamedTuple):
    """A stretch of a passage's text, a part of what is spoken for an insert, or a silence.

    :param start: index of its first character in the passage's text.
    :param stop: index after its last.
    :param size: characters that it counts as; 0 if it belongs to what is before it.
    :param span: span of the part of an insert in the request's text, as in ``Passage.origins``.
    :param seconds: duration of a silence, otherwise None.
    """

    start: int
    stop: int
    size: float
    insert: Insert | None = None
    span: tuple[int, int] = (0, 0)
    seconds: float | None = None


def cut_markup(passage: Passage, longest: int) -> Iterator[Passage]:
    """Yield the passage as it is, or in segments if its inserts and silences make it much longer than its text.

    What is spoken in a segment has about ``longest`` characters at most. An insert that is longer continues in the next
    segment: each part has its share of the letters, and joined they are the insert. A silence of more than a minute
    continues as well.
    """
    if _size(passage) <= 2 * longest:
        yield passage
        return
    groups = list(_groups(_parts(passage, longest), longest))
    done = 0  # bookmarks
    for number, group in enumerate(groups):
        last = number == len(groups) - 1
        segment = _segment(passage, group, number == 0, last)
        end = len(passage.bookmarks) if last else bisect_left(passage.bookmarks, group[-1].stop, done, key=_POSITION)
        marks = [
            mark._replace(position=_clamped(mark.position - _start(passage, group), segment))
            for mark in passage.bookmarks[done:end]
        ]
        yield replace(segment, bookmarks=tuple(marks))
        done = end


def _size(passage: Passage) -> float:
    """Return the characters that a passage counts as."""
    silence = sum(
        seconds for seconds in (passage.leading_silence, *(item.seconds for item in passage.breaks)) if seconds > 0
    )
    return len(passage.text) + sum(len(insert.spoken) for insert in passage.inserts) + _PER_SECOND * silence


def _parts(passage: Passage, longest: int) -> Iterator[_Part]:
    """Yield all parts in order, no insert longer than ``longest`` and no silence longer than a minute."""
    if passage.leading_silence > _LONGEST_SILENCE:
        yield from _silence(0, passage.leading_silence)
    places: list[tuple[int, bool, Insert | Break]] = [(item.position, False, item) for item in passage.breaks]
    places += [(item.position, True, item) for item in passage.inserts]
    done = 0
    for position, _, item in sorted(places, key=lambda place: place[:2]):
        yield from _text(passage, done, position)
        done = position
        if isinstance(item, Break):
            yield from _silence(position, item.seconds)
        else:
            yield from _insert_parts(passage, item, longest)
            done = position + 1
    yield from _text(passage, done, len(passage.text))


def _text(passage: Passage, start: int, stop: int) -> Iterator[_Part]:
    if start < stop:
        speaks = any(character.isalnum() for character in passage.text[start:stop])
        yield _Part(start, stop, stop - start if speaks else 0)


def _silence(position: int, seconds: float) -> Iterator[_Part]:
    while seconds > _LONGEST_SILENCE:
        yield _Part(position, position, _PER_SECOND * _LONGEST_SILENCE, seconds=_LONGEST_SILENCE)
        seconds -= _LONGEST_SILENCE
    yield _Part(position, position, 0 if math.isnan(seconds) else _PER_SECOND * seconds, seconds=seconds)


def _insert_parts(passage: Passage, insert: Insert, longest: int) -> Iterator[_Part]:
    """Yield the parts of an insert, each with its share of the letters as written."""
    position, spoken, letters = insert.position, insert.spoken, len(insert.written)
    first, end = (position, position + 1) if passage.origins is None else passage.origins[position]
    done = 0
    for stop in cancellable(_cuts(spoken, longest)):
        start, after = (math.ceil(letters * place / len(spoken)) for place in (done, stop))
        part = insert._replace(written=insert.written[start:after], spoken=spoken[done:stop].strip())
        span = tuple(first + (end - first) * letter // max(1, letters) for letter in (start, after))
        if part.spoken:
            yield _Part(position, position + 1, stop - done, part, (span[0], span[1]))
        done = stop


def _cuts(spoken: str, longest: int) -> Iterator[int]:
    """Yield the ends of the parts of what is spoken: after commas or words, where there are any."""
    done = 0
    while len(spoken) - done > longest:
        done = cut_position(spoken, done, done + longest)
        yield done
    yield len(spoken)


def _groups(parts: Iterable[_Part], longest: int) -> Iterator[list[_Part]]:
    """Yield the parts of each segment: about ``longest`` characters, or a minute of silence after fewer."""
    group: list[_Part] = []
    size = silence = 0.0
    for part in parts:
        if part.seconds is None:
            full = size + silence + part.size > longest
        else:
            full = silence + part.size > _PER_SECOND * _LONGEST_SILENCE
        if group and part.size and full:
            yield group
            group, size, silence = [], 0.0, 0.0
        group.append(part)
        size, silence = (size + part.size, silence) if part.seconds is None else (size, silence + part.size)
    yield group


def _start(passage: Passage, group: list[_Part]) -> int:
    """Return the index of the first character of a segment in the passage's text, without blanks."""
    text = passage.text[group[0].start : group[-1].stop]
    return group[0].start + len(text) - len(text.lstrip())


def _clamped(position: int, segment: Passage) -> int:
    return min(max(0, position), len(segment.text))


def _segment(passage: Passage, group: list[_Part], first: bool, last: bool) -> Passage:
    """Return the passage of a group, without its bookmarks."""
    start = _start(passage, group)
    text = passage.text[start : group[-1].stop].rstrip()
    stop = start + len(text)
    segment = replace(
        passage,
        text=text,
        start=passage.start + passage.span(start, start)[0],
        ending=passage.ending,
        origins=None if passage.origins is None else passage.origins[start:stop],
        inserts=(),
        prosody_spans=tuple(
            span._replace(start=max(0, span.start - start), end=min(stop, span.end) - start)
            for span in passage.prosody_spans
            if span.start < stop and start < span.end
        ),
        bookmarks=(),
        phones_before=first and passage.phones_before,
        phones_after=last and passage.phones_after,
    )
    segment = _with_inserts(segment, group, start)
    segment = _with_silences(segment, group, start, first)
    return segment if last else replace(segment, ending="," if _pauses_after(group, text) else " ")


def _with_inserts(segment: Passage, group: list[_Part], start: int) -> Passage:
    """Return a segment with its parts of inserts; several of one insert are joined."""
    inserts, origins = [], None if segment.origins is None else list(segment.origins)
    for place, same in groupby((part for part in group if part.insert), key=attrgetter("start")):
        parts = list(same)
        found = [part.insert for part in parts if part.insert]
        written, spoken = ("".join(item.written for item in found), " ".join(item.spoken for item in found))
        inserts.append(found[0]._replace(position=place - start, written=written, spoken=spoken))
        if origins is not None:
            origins[place - start] = parts[0].span[0], parts[-1].span[1]
    return replace(
        segment,
        start=origins[0][0] if origins else segment.start,
        origins=None if origins is None else tuple(origins),
        inserts=tuple(inserts),
    )


def _with_silences(segment: Passage, group: list[_Part], start: int, first: bool) -> Passage:
    """Return a segment with its silences; those before its text lead it."""
    begin = next((number for number, part in enumerate(group) if part.seconds is None), len(group))
    leading = [part.seconds for part in group[:begin] if part.seconds is not None and part.seconds > 0]
    if first and not segment.leading_silence > _LONGEST_SILENCE:  # it may be NaN
        begin, leading = 0, [segment.leading_silence]
    breaks = [
        Break(_clamped(part.start - start, segment), part.seconds) for part in group[begin:] if part.seconds is not None
    ]
    if segment.text:
        return replace(segment, breaks=tuple(breaks), leading_silence=sum(leading))
    silence = sum(seconds for seconds in (*leading, *(item.seconds for item in breaks)) if seconds > 0)
    return replace(segment, breaks=(Break(0, silence),), leading_silence=0.0)


def _pauses_after(group: list[_Part], text: str) -> bool:
    """Return whether there is a pause after a segment."""
    end = group[-1]
    return end.seconds is not None or ends_with_mark(end.insert.spoken if end.insert else text)
