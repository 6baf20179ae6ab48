"""When things are said: events that travel beside the frames."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, overload

import numpy as np

Span = tuple[int, int]


@dataclass(frozen=True)
class Event:
    """Something that is said at some time.

    :param kind: ``word``, ``phoneme``, ``sentence``, ``phrase``, ``mark``, or what else a block reports.
    :param text: the word as it is written, the name of the phoneme or mark.
    :param start: seconds from the first sample of the stream.
    :param duration: seconds.
    :param span: characters of the request's text, first and the one behind the last, where it comes from some.
    """

    kind: str
    text: str
    start: float
    duration: float
    span: Span | None = None


class Events(Sequence[Event]):
    """Events by time. They are made when they are looked at: most streams tell of more than their listeners ask for."""

    def __init__(self, runs: Iterable[_Run] = ()) -> None:
        self._runs = tuple(runs)

    @classmethod
    def joined(cls, parts: Iterable[Events]) -> Events:
        """All events of all parts."""
        return cls(run for part in parts for run in part._runs)

    @functools.cached_property
    def _made(self) -> tuple[Event, ...]:
        made = [event for run in self._runs for event in run.events()]
        return tuple(
            sorted(made, key=lambda event: event.start)
        )  # what begins at one moment stays in the order of reporting

    @overload
    def __getitem__(self, index: int) -> Event: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Event, ...]: ...
    def __getitem__(self, index: int | slice) -> Event | tuple[Event, ...]:
        return self._made[index]

    def __iter__(self) -> Iterator[Event]:
        return iter(self._made)

    def __len__(self) -> int:
        return sum(run.stop - run.first for run in self._runs)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and self._made == tuple(other)

    def __hash__(self) -> int:
        return hash(self._made)

    def __repr__(self) -> str:
        return f"Events({list(self._made)!r})"


class Timeline:
    """Takes events from the blocks that know them, and gives each out with the audio that holds it.

    A block that starts a stream finds one in ``utterance["timeline"]`` and counts in steps of what it makes itself: the
    composites around it see to where those steps end up in the audio.

    :param sample_rate: steps of the whole stream a second, Hz.
    """

    def __init__(self, sample_rate: float) -> None:
        self._offset, self._hop = 0.0, 1.0 / sample_rate  # in seconds
        self._tracks: list[_Track] = []

    def within(self, offset: float = 0.0, hop: float = 1.0) -> Timeline:
        """The same for a stream that begins at step ``offset`` of this one, and each step of which lasts ``hop`` steps of it."""
        view = Timeline.__new__(Timeline)
        view._offset, view._hop, view._tracks = self._offset + offset * self._hop, self._hop * hop, self._tracks
        return view

    def add(self, kind: str, text: str, start: float, steps: float, span: Span | None = None) -> None:
        """Report an event before, or with, the first step that it belongs to.

        :param start: step at which it begins, and ``steps`` for how many it lasts.
        """
        self.add_all(kind, (text,), (start,), (steps,), (span,))

    def add_all(
        self, kind: str, texts: Sequence[str], starts: Any, steps: Any, spans: Sequence[Span | None] | None = None
    ) -> None:
        """Report many events of one kind, which begin one after the other.

        :param starts: (events,), ascending, and ``steps`` likewise.
        """
        if len(texts):
            begins = self._offset + self._hop * np.asarray(starts, np.float64)
            self._tracks.append(_Track(kind, texts, begins, self._hop, steps, spans))

    def take(self, until: float) -> Events:
        """Remove the events that begin before ``until``, in seconds, and return them."""
        runs = []
        for track in self._tracks:
            stop = int(np.searchsorted(track.begins, until))
            if stop > track.taken:
                runs.append(_Run(track, track.taken, stop))
                track.taken = stop
        if runs:
            self._tracks[:] = [track for track in self._tracks if track.taken < len(track.texts)]
        return Events(runs)


class _Track:
    """Events as they were reported; the first ``taken`` of them have been given out."""

    def __init__(
        self,
        kind: str,
        texts: Sequence[str],
        begins: np.ndarray,
        hop: float,
        steps: Any,
        spans: Sequence[Span | None] | None,
    ) -> None:
        self.kind, self.texts, self.begins, self.hop, self.steps, self.spans = kind, texts, begins, hop, steps, spans
        self.taken = 0


class _Run(NamedTuple):
    """Neighbours on a track."""

    track: _Track
    first: int
    stop: int

    def events(self) -> Iterator[Event]:
        track = self.track
        for i in range(self.first, self.stop):
            span = None if track.spans is None else track.spans[i]
            yield Event(track.kind, track.texts[i], float(track.begins[i]), float(track.steps[i] * track.hop), span)
