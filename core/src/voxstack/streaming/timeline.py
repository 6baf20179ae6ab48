"""The timeline of a stream: events that travel beside the frames."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, overload

import numpy as np

Span = tuple[int, int]


@dataclass(frozen=True)
class Event:
    """An event in the audio.

    :param kind: ``word``, ``phoneme``, ``sentence``, ``phrase``, ``mark``, or any other kind that a block reports.
    :param text: the word as written, the name of the phoneme or mark.
    :param start: seconds from the first sample of the stream.
    :param duration: seconds.
    :param span: first and past-the-end character in the request's text, if the event corresponds to some.
    """

    kind: str
    text: str
    start: float
    duration: float
    span: Span | None = None


class Events(Sequence[Event]):
    """Events in order of time, built on first access: most streams report more than their listeners read."""

    def __init__(self, runs: Iterable[_Run] = ()) -> None:
        self._runs = tuple(runs)

    @classmethod
    def joined(cls, parts: Iterable[Events]) -> Events:
        """Return all events of all parts."""
        return cls(run for part in parts for run in part._runs)

    @functools.cached_property
    def _sorted(self) -> tuple[Event, ...]:
        events = [event for run in self._runs for event in run.events()]
        return tuple(sorted(events, key=lambda event: event.start))  # equal starts stay in the order of reporting

    @overload
    def __getitem__(self, index: int) -> Event: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Event, ...]: ...
    def __getitem__(self, index: int | slice) -> Event | tuple[Event, ...]:
        return self._sorted[index]

    def __iter__(self) -> Iterator[Event]:
        return iter(self._sorted)

    def __len__(self) -> int:
        return sum(run.stop - run.first for run in self._runs)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and self._sorted == tuple(other)

    def __hash__(self) -> int:
        return hash(self._sorted)

    def __repr__(self) -> str:
        return f"Events({list(self._sorted)!r})"


class Timeline:
    """Collects events from blocks and releases each with the audio that contains it.

    A block that starts a stream reads it from ``utterance["timeline"]`` and counts in its own output steps: the
    enclosing composites convert them to positions in the audio.

    :param sample_rate: of the whole stream, Hz.
    """

    def __init__(self, sample_rate: float) -> None:
        self._offset, self._hop = 0.0, 1.0 / sample_rate  # in seconds
        self._tracks: list[_Track] = []

    def within(self, offset: float = 0.0, hop: float = 1.0) -> Timeline:
        """Return a view for a stream inside this one.

        :param offset: step of this stream at which it begins.
        :param hop: steps of this stream per step of it.
        """
        view = Timeline.__new__(Timeline)
        view._offset, view._hop, view._tracks = self._offset + offset * self._hop, self._hop * hop, self._tracks
        return view

    def seconds(self, step: float) -> float:
        """Return the time of a step in seconds from the start of the whole stream."""
        return self._offset + step * self._hop

    def add(self, kind: str, text: str, start: float, steps: float, span: Span | None = None) -> None:
        """Report an event, no later than with its first step.

        :param start: step at which it begins.
        :param steps: its duration in steps.
        """
        self.add_all(kind, (text,), (start,), (steps,), (span,))

    def add_all(
        self, kind: str, texts: Sequence[str], starts: Any, steps: Any, spans: Sequence[Span | None] | None = None
    ) -> None:
        """Report many events of one kind.

        :param starts: (events,), ascending.
        :param steps: (events,), their durations.
        """
        if len(texts):
            begins = self._offset + self._hop * np.asarray(starts, np.float64)
            self._tracks.append(_Track(kind, texts, begins, self._hop, steps, spans))

    def take(self, until: float) -> Events:
        """Remove and return the events that begin before ``until``, in seconds."""
        runs = []
        for track in self._tracks:
            stop = int(track.begins.searchsorted(until))
            if stop > track.taken:
                runs.append(_Run(track, track.taken, stop))
                track.taken = stop
        if runs:
            self._tracks[:] = [track for track in self._tracks if track.taken < len(track.texts)]
        return Events(runs)


@dataclass(slots=True)
class _Track:
    """Events of one report, of which the first ``taken`` have been released; ``begins`` and ``hop`` are in seconds."""

    kind: str
    texts: Sequence[str]
    begins: np.ndarray
    hop: float
    steps: Any
    spans: Sequence[Span | None] | None
    taken: int = 0


class _Run(NamedTuple):
    """Consecutive events of a track."""

    track: _Track
    first: int
    stop: int

    def events(self) -> Iterator[Event]:
        track = self.track
        for i in range(self.first, self.stop):
            span = None if track.spans is None else track.spans[i]
            yield Event(track.kind, track.texts[i], float(track.begins[i]), float(track.steps[i] * track.hop), span)
