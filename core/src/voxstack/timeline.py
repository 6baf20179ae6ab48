"""When things are said: events that travel beside the frames."""

from __future__ import annotations

import heapq
import itertools
from dataclasses import dataclass


@dataclass(frozen=True)
class Event:
    """Something that is said at some time.

    :param kind: ``word``, ``phoneme``, ``sentence``, ``mark``, or what else a block reports.
    :param text: the word as it is written, the name of the phoneme or mark.
    :param start: seconds from the first sample of the stream.
    :param duration: seconds.
    :param span: characters of the request's text, first and the one behind the last, where it comes from some.
    """

    kind: str
    text: str
    start: float
    duration: float
    span: tuple[int, int] | None = None


class Timeline:
    """Takes events from the blocks that know them, and gives each out with the audio that holds it.

    A block that starts a stream finds one in ``utterance["timeline"]`` and counts in steps of what it makes itself: the
    composites around it see to where those steps end up in the audio.

    :param sample_rate: steps of the whole stream a second, Hz.
    """

    def __init__(self, sample_rate: float) -> None:
        self._offset, self._hop = 0.0, 1.0 / sample_rate  # in seconds
        self._events: list[tuple[float, int, Event]] = []  # a heap: by time, then in the order of reporting
        self._numbers = itertools.count()

    def within(self, offset: float = 0.0, hop: float = 1.0) -> Timeline:
        """The same for a stream that begins at step ``offset`` of this one, and each step of which lasts ``hop`` steps of it."""
        view = Timeline.__new__(Timeline)
        view._offset, view._hop = self._offset + offset * self._hop, self._hop * hop
        view._events, view._numbers = self._events, self._numbers
        return view

    def add(self, kind: str, text: str, start: float, steps: float, span: tuple[int, int] | None = None) -> None:
        """Report an event before, or with, the first step that it belongs to.

        :param start: step at which it begins, and ``steps`` for how many it lasts.
        """
        at = self._offset + start * self._hop
        event = Event(kind, text, at, steps * self._hop, span)
        heapq.heappush(self._events, (at, next(self._numbers), event))

    def take(self, until: float) -> tuple[Event, ...]:
        """Remove the events that begin before ``until``, in seconds, and return them by time."""
        taken = []
        while self._events and self._events[0][0] < until:
            taken.append(heapq.heappop(self._events)[2])
        return tuple(taken)
