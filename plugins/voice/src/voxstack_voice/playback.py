"""The playback of a stream: how far its audio is ahead of the listener."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from voxstack_voice.delivery import unlimited

LATE = 0.02
"""Seconds by which a chunk is late that a listener notices."""


class Playback:
    """The lead of one stream's audio over a listener who plays it from its first sample on.

    :param sample_rate: of the audio, Hz.
    :param live: whether somebody listens; if not, playback counts as infinitely far ahead.
    :param patience: seconds within which the first audio is expected.
    :param speed: returns the seconds of audio that this stream can produce per second now; 0 if unknown.
    :param lengths: returns the least and the most seconds of audio of a chunk, for a stream that is ``live`` or not.
    :param horizon: returns the seconds of audio, from the start of the stream, that the listener can take now. No chunk
        goes beyond by more than the shortest one of the schedule.
    :param clock: returns the time in seconds.
    :param skip: samples at the beginning that the listener already has.
    """

    def __init__(
        self,
        sample_rate: int,
        live: bool = True,
        patience: float = 0.05,
        speed: Callable[[], float] = float,
        lengths: Callable[[bool], tuple[float, float]] = lambda live: (0.0, math.inf),
        horizon: Callable[[], float] = unlimited,
        clock: Callable[[], float] = time.perf_counter,
        skip: int = 0,
    ) -> None:
        self.sample_rate = sample_rate
        self.live = live
        self.late_chunks = 0
        """Chunks that arrived after the audio before them had been played."""
        self.first_audio: float | None = None
        """Seconds from the request to the first audio, once there is some."""
        self.speed = speed
        self.skip = skip
        """Samples still to come that the listener already has."""
        self._lengths, self._horizon = lengths, horizon
        self._seconds = skip / sample_rate  # of audio that the listener has
        self._clock = clock
        self._patience = patience
        self._requested = clock()
        self._wanted = self._requested
        self._runs_out = math.inf
        """When the listener has heard all delivered audio; in the future while playback is ahead."""

    @property
    def started(self) -> bool:
        """True if audio has been delivered."""
        return self.first_audio is not None

    @property
    def limited(self) -> bool:
        """True if the listener can take a limited amount of audio now."""
        return math.isfinite(self._horizon())

    @property
    def lead(self) -> float:
        """Seconds of delivered audio not yet heard; 0 before the first audio and after running out."""
        if not self.live:
            return math.inf
        return max(0.0, self._runs_out - self._clock()) if self.started else 0.0

    def lengths(self) -> tuple[float, float]:
        """Return the least and the most seconds of audio of the next chunk; the first one has no least.

        What the listener already has is one chunk, if possible, and what comes next is urgent.
        """
        if self.skip > 0:
            return self.skip / self.sample_rate, self.skip / self.sample_rate
        least, most = self._lengths(self.live)
        most = min(most, max(0.0, self._horizon() - self._seconds))
        return (min(least, most) if self.started else 0.0), most

    def deadline(self) -> float:
        """Return when the next chunk will be late, in the time of the clock: never without a listener."""
        if not self.live:
            return math.inf
        return self._runs_out if self.started else self._requested + self._patience

    def wanted(self) -> None:
        """Record that the next chunk is requested."""
        self._wanted = self._clock()

    def delivered(self, samples: int) -> bool:
        """Record that ``samples`` samples were delivered; return whether late, though requested in time."""
        now, seconds = self._clock(), samples / self.sample_rate
        late = self.started and self._wanted < self._runs_out < now - LATE
        if self.first_audio is None:
            self.first_audio = now - self._requested
            self._runs_out = now
        elif now > self._runs_out:
            self.late_chunks += 1
            self._runs_out = now
        self._runs_out += seconds
        self._seconds += seconds
        return late
