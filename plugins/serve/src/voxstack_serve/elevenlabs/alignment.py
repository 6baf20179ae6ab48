"""The times of characters, from the times of words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise
from typing import Any

from voxstack.streaming.timeline import Event
from voxstack_serve.elevenlabs.segment import Segment

_OPENING = re.compile(r"\S*\Z")


class Aligner:
    """The alignments of the messages of one context.

    Each covers the time from the end of the one before to the end of its message's audio; together they are the text,
    with a space before it and after each segment. A client may thus add up their spans, or take them as absolute. A
    word belongs to the message in which it begins, with the punctuation after it; the space after it comes first in the
    next message. The characters of a word share its time, those between words the time between them.

    :param absolute: whether times count from the start of the context, not from the end of the alignment before.
    """

    def __init__(self, absolute: bool) -> None:
        self._absolute = absolute
        self._segment = Segment()
        self._cursor = 0  # characters of the segment's text that are in an alignment
        self._offset = 0.0  # seconds at which the segment begins
        self._end = 0.0  # of the last word, or of the audio when it was sent, in seconds
        self._clock = 0  # end of the last alignment, in ms
        self._last = ""  # character of that alignment

    def begin(self, segment: Segment, offset: float) -> None:
        """Begin a segment at a time of the context, in seconds."""
        self._segment, self._cursor = segment, 0
        self._offset = self._end = offset

    def chunk(self, events: Iterable[Event], end: float) -> dict[str, Any] | None:
        """Return the alignment of a chunk of the segment's audio.

        :param end: of the chunk, in seconds from the start of the context.
        """
        run = _Run(" ") if not self._last else _Run()
        words = [event for event in events if event.kind == "word"]
        for word in words:
            self._add_word(run, word, end)
        if words:
            self._add_rest(run, self._segment.closing_marks(self._cursor), end)
        elif self._last and not self._last.isspace():  # a pause, or a long word
            self._add_rest(run, self._segment.blanks(self._cursor), end)
        else:
            return None  # clients that remove the blanks before a text would not count their time
        return self._alignment(run, end)

    def end(self, end: float) -> dict[str, Any] | None:
        """Return the alignment of all that is left of the segment's text, which ends with a space.

        :param end: of the segment's audio, in seconds from the start of the context.
        """
        rest = self._segment.shown(self._cursor).rstrip()
        run = _Run(" ") if rest and not self._last else _Run()
        if rest or (self._last and not self._last.isspace()):
            run.spread(rest + " ", self._end, end)
        self._end = end
        return self._alignment(run, end)

    def _add_word(self, run: _Run, word: Event, limit: float) -> None:
        span = self._segment.place(word, self._cursor)
        if span is None or span[1] <= self._cursor:
            return  # it is not in the text, or one more word for characters that have their times
        start, end = self._offset + word.start, self._offset + word.start + word.duration
        between = self._segment.shown(self._cursor, span[0])
        marks = _OPENING.findall(between)[0]
        run.spread(between[: len(between) - len(marks)], self._end, start)
        run.spread(marks + word.text, start, min(end, limit))
        self._cursor, self._end = span[1], min(end, limit)

    def _add_rest(self, run: _Run, text: str, end: float) -> None:
        if text:
            run.spread(text, self._end, end)
            self._cursor, self._end = self._cursor + len(text), end

    def _alignment(self, run: _Run, end: float) -> dict[str, Any] | None:
        if not run.chars:
            return None
        base, limit = self._clock, max(round(1000 * end), self._clock)
        starts = list(accumulate([min(max(round(1000 * start), base), limit) for start in run.starts], max))
        self._clock, self._last = limit, run.chars[-1]
        return _message(run.chars, starts, limit, 0 if self._absolute else base)


class _Run:
    """Characters, and when each begins, in seconds."""

    def __init__(self, text: str = "") -> None:
        self.chars = list(text)
        self.starts = [0.0] * len(text)

    def spread(self, text: str, start: float, end: float) -> None:
        """Add characters that share a time equally."""
        step = max(end - start, 0.0) / max(len(text), 1)
        self.chars += [" " if character.isspace() else character for character in text]
        self.starts += [start + step * index for index in range(len(text))]


def _message(chars: Sequence[str], starts: Sequence[int], end: int, base: int) -> dict[str, Any]:
    return {
        "chars": list(chars),
        "charStartTimesMs": [start - base for start in starts],
        "charDurationsMs": [after - start for start, after in pairwise([*starts, end])],
    }
