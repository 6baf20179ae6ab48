"""The times of the characters of one text, as responses over HTTP have them: in seconds from its start."""

from __future__ import annotations

from typing import Any

from voxstack import Chunk
from voxstack_serve.elevenlabs.alignment import Aligner
from voxstack_serve.elevenlabs.segment import Segment

STARTS, ENDS = "character_start_times_seconds", "character_end_times_seconds"


class CharacterTimes:
    """The times of a text's characters, in the order of the text, each of which has one."""

    def __init__(self, text: str) -> None:
        self._text, self._aligner, self._segment = text, Aligner(absolute=True), Segment()
        self._segment.text = text
        self._aligner.begin(self._segment, 0.0)
        self._end = 0.0  # of the audio, in seconds
        self._next = -1  # place in the text: alignments begin with a space of their own
        self._all = _alignment([], [], [])

    def of(self, chunk: Chunk) -> dict[str, Any] | None:
        """Return the times of the characters in a chunk, if it has any."""
        self._end = (chunk.start + len(chunk.samples)) / chunk.sample_rate
        return self._converted(self._aligner.chunk(chunk.events, self._end))

    def rest(self) -> dict[str, Any] | None:
        """Return the times of the characters that are left at the end of the speech; white space takes none."""
        found = self._converted(self._aligner.end(self._end)) or _alignment([], [], [])
        left = self._text[max(self._next, 0) :]
        self._next = len(self._text)
        times = [round(self._end, 3)] * len(left)
        whole = _alignment(found["characters"] + list(left), found[STARTS] + times, found[ENDS] + times)
        return whole if whole["characters"] else None

    def extend(self, times: dict[str, Any] | None) -> None:
        """Add times to those that :meth:`content` returns."""
        for name, values in (times or {}).items():
            self._all[name] += values

    def content(self) -> dict[str, Any]:
        """Return all times that were added."""
        return self._all

    def _converted(self, found: dict[str, Any] | None) -> dict[str, Any] | None:
        """Return an alignment with the characters of the text instead of blanks for white space."""
        if found is None:
            return None
        starts, durations = found["charStartTimesMs"], found["charDurationsMs"]
        first, count = max(0, -self._next), len(found["chars"])
        begin, self._next = self._next + first, self._next + count
        characters = list(self._text[begin : self._next])
        last = first + len(characters)
        ends = [start + duration for start, duration in zip(starts, durations, strict=True)]
        if not characters:
            return None
        return _alignment(characters, _seconds(starts[first:last]), _seconds(ends[first:last]))


def _alignment(characters: list[str], starts: list[float], ends: list[float]) -> dict[str, Any]:
    return {"characters": characters, STARTS: starts, ENDS: ends}


def _seconds(times: list[int]) -> list[float]:
    return [time / 1000 for time in times]
