"""SSML documents as text with markup, and the passages that they consist of."""

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
from voxstack_text.passage import Bookmark, Break, Insert, Passage, ProsodySpan
from voxstack_text.sentences.sentence_stream import Segment, split_sentences

T = TypeVar("T", Insert, Break, ProsodySpan, Bookmark)
_START, _END = itemgetter(0), itemgetter(1)


@dataclass
class Document:
    """Text with markup. All positions are indices in ``text``, and all lists are sorted by them.

    :param text: paragraphs separated by blank lines, with a placeholder for each insert.
    :param starts: for each character, the index in the request's text where it begins.
    :param ends: for each character, the index in the request's text where it ends.
    :param prosody_spans: they do not overlap.
    """

    text: str = ""
    starts: array[int] = field(default_factory=lambda: array("q"))
    ends: array[int] = field(default_factory=lambda: array("q"))
    inserts: list[Insert] = field(default_factory=list)
    breaks: list[Break] = field(default_factory=list)
    prosody_spans: list[ProsodySpan] = field(default_factory=list)
    bookmarks: list[Bookmark] = field(default_factory=list)

    def passages(self, first: int, longest: int) -> Generator[Passage, None, None]:
        """Yield the passages; breaks and bookmarks between two of them belong to one of the two.

        :param first: limit of characters of the first passage.
        :param longest: limit of characters of the others.
        :raises RequestError: if the pitch changes inside a sentence.
        """
        held: Passage | None = None  # until it is known what follows it
        after = 0
        with closing(split_sentences(self.text, first, longest)) as segments:
            for segment in segments:
                passage = self._passage(segment)
                breaks = _within(self.breaks, after, segment.start + 1)
                bookmarks = _within(self.bookmarks, after, segment.start + 1)
                if held is None:
                    passage = _with_lead(passage, breaks, bookmarks)
                else:
                    held, passage = _with_gap(held, passage, breaks, bookmarks)
                    yield held
                held, after = passage, segment.start + len(segment.text)
        end = len(self.text) + 1
        breaks, bookmarks = _within(self.breaks, after, end), _within(self.bookmarks, after, end)
        if held is not None:
            yield _with_tail(held, breaks, bookmarks)
        elif breaks or bookmarks:
            at_start = tuple(bookmark._replace(position=0) for bookmark in bookmarks)
            yield Passage("", breaks=(Break(0, _total(breaks) or 0.0),), bookmarks=at_start)

    def _passage(self, segment: Segment) -> Passage:
        """Return the passage of a segment, with the markup inside it."""
        start, stop = segment.start, segment.start + len(segment.text)
        first = bisect_right(self.prosody_spans, start, key=_END)
        last = bisect_left(self.prosody_spans, stop, key=_START)
        spans = self.prosody_spans[first:last]
        return Passage(
            segment.text,
            self.starts[start],
            segment.ending,
            math.nan if segment.opens else 0.0,
            tuple(zip(self.starts[start:stop], self.ends[start:stop], strict=True)),
            tuple(item._replace(position=item.position - start) for item in _within(self.inserts, start, stop)),
            tuple(item._replace(position=item.position - start) for item in _within(self.breaks, start + 1, stop)),
            tuple(span._replace(start=span.start - start, end=span.end - start) for span in spans),
            tuple(item._replace(position=item.position - start) for item in _within(self.bookmarks, start + 1, stop)),
            self._pitch(spans, start, stop),
            segment.phones_before,
            segment.phones_after,
        )

    def _pitch(self, spans: list[ProsodySpan], start: int, stop: int) -> float:
        """Return the pitch of a passage, in semitones.

        :raises RequestError: if it changes inside.
        """
        pitches = {span.pitch for span in spans}
        if sum(min(stop, span.end) - max(start, span.start) for span in spans) < stop - start:
            pitches.add(0.0)
        if len(pitches) > 1:
            where = f"SSML, characters {self.starts[start]} to {self.ends[stop - 1]}"
            raise RequestError(
                f"{where}: the pitch changes inside a sentence, but a voice has one pitch per sentence; "
                "put whole sentences into <prosody>"
            )
        return pitches.pop()


def _within(items: Sequence[T], start: int, stop: int) -> Sequence[T]:
    return items[bisect_left(items, start, key=_START) : bisect_left(items, stop, key=_START)]


def _total(breaks: Sequence[Break]) -> float | None:
    """Return the seconds of all breaks together, or None if the voice decides."""
    durations = [item.seconds for item in breaks if not math.isnan(item.seconds)]
    return sum(durations) if durations else None


def _with_lead(passage: Passage, breaks: Sequence[Break], bookmarks: Sequence[Bookmark]) -> Passage:
    """Return a passage with the breaks and bookmarks before it."""
    seconds = _total(breaks)
    leading_silence = passage.leading_silence if seconds is None else seconds
    at_start = (bookmark._replace(position=0) for bookmark in bookmarks)
    return replace(passage, leading_silence=leading_silence, bookmarks=(*at_start, *passage.bookmarks))


def _with_tail(passage: Passage, breaks: Sequence[Break], bookmarks: Sequence[Bookmark]) -> Passage:
    """Return a passage with the breaks and bookmarks after it."""
    seconds, end = _total(breaks), len(passage.text)
    final_break = () if seconds is None else (Break(end, seconds),)
    at_end = (bookmark._replace(position=end) for bookmark in bookmarks)
    return replace(passage, breaks=(*passage.breaks, *final_break), bookmarks=(*passage.bookmarks, *at_end))


def _with_gap(
    one: Passage, two: Passage, breaks: Sequence[Break], bookmarks: Sequence[Bookmark]
) -> tuple[Passage, Passage]:
    """Return two passages with the breaks and bookmarks between them.

    A requested silence is all at the end of the first.
    """
    if _total(breaks) is None:
        return one, _with_lead(two, (), bookmarks)
    last = max(item.position for item in breaks)
    before = [
        bookmark
        for bookmark in bookmarks
        if bookmark.position < last or (bookmark.position == last and not bookmark.after_break)
    ]
    one = _with_tail(one, breaks, before)
    return one, replace(_with_lead(two, (), bookmarks[len(before) :]), leading_silence=0.0)
