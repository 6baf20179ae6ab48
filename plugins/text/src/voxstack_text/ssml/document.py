"""A text with instructions, cut to passages."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from operator import itemgetter
from typing import TypeVar

from voxstack import RequestError
from voxstack_text.passage import Break, Flag, Insert, Manner, Passage
from voxstack_text.sentences.sentence_stream import Segment, segments

T = TypeVar("T", Insert, Break, Manner, Flag)
_START, _END = itemgetter(0), itemgetter(1)


@dataclass
class Document:
    """What is to be read, and how. All places count characters of ``text``, and all lists are in their order.

    :param text: paragraphs apart by blank lines, with a stand-in for each insert.
    :param starts: place in the request's text of each character, and ``ends`` the place behind it.
    :param manners: stretches that do not overlap.
    """

    text: str = ""
    starts: array[int] = field(default_factory=lambda: array("q"))
    ends: array[int] = field(default_factory=lambda: array("q"))
    inserts: list[Insert] = field(default_factory=list)
    breaks: list[Break] = field(default_factory=list)
    manners: list[Manner] = field(default_factory=list)
    flags: list[Flag] = field(default_factory=list)

    def passages(self, first: int, longest: int) -> Generator[Passage, None, None]:
        """Yield the passages, each with what is to be heard and reported from its beginning up to the next one.

        :param first: characters of the first one at most, and ``longest`` of the others.
        :raises RequestError: for a pitch that changes inside a sentence.
        """
        waiting: Passage | None = None  # held back until it is known what stands behind it
        behind = 0
        with closing(segments(self.text, first, longest)) as found:
            for segment in found:
                passage = self._passage(segment)
                breaks, flags = (
                    _within(self.breaks, behind, segment.start + 1),
                    _within(self.flags, behind, segment.start + 1),
                )
                if waiting is None:
                    passage = _led(passage, breaks, flags)
                else:
                    waiting, passage = _joined(waiting, passage, breaks, flags)
                    yield waiting
                waiting, behind = passage, segment.start + len(segment.text)
        end = len(self.text) + 1
        breaks, flags = _within(self.breaks, behind, end), _within(self.flags, behind, end)
        if waiting is not None:
            yield _followed(waiting, breaks, flags)
        elif breaks or flags:
            yield Passage(
                "", breaks=(Break(0, _total(breaks) or 0.0),), flags=tuple(flag._replace(at=0) for flag in flags)
            )

    def _passage(self, segment: Segment) -> Passage:
        start, stop = segment.start, segment.start + len(segment.text)
        first, last = bisect_right(self.manners, start, key=_END), bisect_left(self.manners, stop, key=_START)
        manners = self.manners[first:last]
        return Passage(
            segment.text,
            self.starts[start],
            segment.ending,
            math.nan if segment.opens else 0.0,
            tuple(zip(self.starts[start:stop], self.ends[start:stop], strict=True)),
            tuple(insert._replace(at=insert.at - start) for insert in _within(self.inserts, start, stop)),
            tuple(item._replace(at=item.at - start) for item in _within(self.breaks, start + 1, stop)),
            tuple(manner._replace(start=manner.start - start, end=manner.end - start) for manner in manners),
            tuple(flag._replace(at=flag.at - start) for flag in _within(self.flags, start + 1, stop)),
            self._pitch(manners, start, stop),
        )

    def _pitch(self, manners: list[Manner], start: int, stop: int) -> float:
        pitches = {manner.pitch for manner in manners}
        if sum(min(stop, manner.end) - max(start, manner.start) for manner in manners) < stop - start:
            pitches.add(0.0)
        if len(pitches) > 1:
            where = f"SSML, characters {self.starts[start]} to {self.ends[stop - 1]}"
            raise RequestError(
                f"{where}: the pitch changes inside a sentence, and a voice takes one for all of it; raise whole sentences"
            )
        return pitches.pop()


def _within(items: Sequence[T], start: int, stop: int) -> Sequence[T]:
    return items[bisect_left(items, start, key=_START) : bisect_left(items, stop, key=_START)]


def _total(breaks: Sequence[Break]) -> float | None:
    """Seconds of all breaks together, or None if the voice decides."""
    given = [item.seconds for item in breaks if not math.isnan(item.seconds)]
    return sum(given) if given else None


def _led(passage: Passage, breaks: Sequence[Break], flags: Sequence[Flag]) -> Passage:
    """The first passage, with what stands before it."""
    seconds = _total(breaks)
    lead = passage.lead if seconds is None else seconds
    return replace(passage, lead=lead, flags=(*(flag._replace(at=0) for flag in flags), *passage.flags))


def _followed(passage: Passage, breaks: Sequence[Break], flags: Sequence[Flag]) -> Passage:
    """A passage with what stands behind it."""
    seconds, end = _total(breaks), len(passage.text)
    more = () if seconds is None else (Break(end, seconds),)
    return replace(
        passage, breaks=(*passage.breaks, *more), flags=(*passage.flags, *(flag._replace(at=end) for flag in flags))
    )


def _joined(one: Passage, two: Passage, breaks: Sequence[Break], flags: Sequence[Flag]) -> tuple[Passage, Passage]:
    """Two passages with what stands between them: the silence that is asked for is all at the end of the first."""
    if _total(breaks) is None:
        return one, _led(two, (), flags)
    last = max(item.at for item in breaks)
    before = [flag for flag in flags if flag.at < last or (flag.at == last and not flag.behind)]
    one = _followed(one, breaks, before)
    return one, replace(_led(two, (), flags[len(before) :]), lead=0.0)
