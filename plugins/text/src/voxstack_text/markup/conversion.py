"""Converted text: what is left to read of a source, with the origin of each character, and its pauses."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from typing import NamedTuple

from voxstack_text.passage import PLACEHOLDER, Break, Insert, Passage
from voxstack_text.sentences.sentence_stream import Segment

_TAIL = 40  # characters at the end of the converted text that rules look at


class _Run(NamedTuple):
    """Characters of the converted text, from ``start`` up to the next run.

    :param source: index in the source of the first one.
    :param end: index in the source after what they replace all together; -1 if each is itself in the source.
    """

    start: int
    source: int
    end: int


class Conversion:
    """The converted text as it grows, and the passages of it; what has been taken and passed on is forgotten.

    :param has_breaks: whether the reader knows breaks and inserts; otherwise pauses are commas, and formulas words.
    """

    def __init__(self, has_breaks: bool) -> None:
        self.has_breaks = has_breaks
        self.tail = ""
        """The last characters of the converted text."""
        self._length = 0
        self._waiting: list[str] = []
        self._runs: list[_Run] = []
        self._breaks: list[Break] = []
        self._inserts: list[Insert] = []

    def copy(self, text: str, source: int) -> None:
        """Append characters as they are in the source from an index on."""
        last = self._runs[-1] if self._runs else None
        if last is None or last.end >= 0 or last.source + self._length - last.start != source:
            self._runs.append(_Run(self._length, source, -1))
        self._append(text)

    def replace(self, text: str, source: int, end: int) -> None:
        """Append characters that stand for those from ``source`` up to ``end`` in the source."""
        self._runs.append(_Run(self._length, source, end))
        self._append(text)

    def pause(self, source: int) -> None:
        """Append a pause as at a comma."""
        if not self.has_breaks:
            if self.tail.strip() and self.tail[-1] not in ",;:.!?\n":
                self.replace(",", source, source)
        elif not self._breaks or self._breaks[-1].position != self._length:
            self._breaks.append(Break(self._length, math.nan))

    def end_sentence(self, source: int, end: int) -> None:
        """Append a blank line for the characters from ``source`` up to ``end``."""
        self.replace("\n\n", source, end)

    def insert(self, written: str, words: str, source: int) -> None:
        """Append words, as the normaliser returns them, that are spoken for characters of the source."""
        end = source + len(written)
        if not self.has_breaks:
            self.replace(words, source, end)
            return
        self._inserts.append(Insert(self._length, written, words, "words"))
        self.replace(PLACEHOLDER, source, end)

    def take(self) -> str:
        """Return what has been appended since the last time."""
        text = "".join(self._waiting)
        self._waiting.clear()
        return text

    def passage(self, segment: Segment) -> Passage:
        """Return the passage of a segment of the converted text; segments come in their order."""
        start, stop = segment.start, segment.start + len(segment.text)
        self._forget(start)
        runs = self._runs[: bisect_left(self._runs, (stop,))]
        plain = len(runs) == 1 and runs[0].end < 0
        origins = None if plain else tuple(_origins(runs, start, stop))
        return Passage(
            segment.text,
            runs[0].source + start - runs[0].start if origins is None else origins[0][0],
            segment.ending,
            math.nan if segment.opens else 0.0,
            origins,
            tuple(item._replace(position=item.position - start) for item in self._inserts if item.position < stop),
            tuple(item._replace(position=item.position - start) for item in self._breaks if item.position < stop),
            phones_before=segment.phones_before,
            phones_after=segment.phones_after,
        )

    def _append(self, text: str) -> None:
        self._waiting.append(text)
        self._length += len(text)
        self.tail = (self.tail + text[-_TAIL:])[-_TAIL:]

    def _forget(self, start: int) -> None:
        """Drop what is before a position, and a break at it: silence is there already."""
        del self._runs[: bisect_right(self._runs, (start, math.inf)) - 1]
        del self._breaks[: bisect_right(self._breaks, (start, math.inf))]
        del self._inserts[: bisect_left(self._inserts, (start,))]


def _origins(runs: list[_Run], start: int, stop: int) -> list[tuple[int, int]]:
    origins: list[tuple[int, int]] = []
    for number, (begin, source, end) in enumerate(runs):
        first, last = max(begin, start), min(stop, runs[number + 1].start if number + 1 < len(runs) else stop)
        if end >= 0:
            origins += [(source, end)] * (last - first)
        else:
            origins += [(source + i - begin, source + i - begin + 1) for i in range(first, last)]
    return origins
