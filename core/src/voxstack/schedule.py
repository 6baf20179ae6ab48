"""How many frames the head of a stream gives at a time."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace


class Playback:
    """How far the audio of one stream is ahead of somebody who has listened to it from its first sample on.

    Whoever gives the audio out says so here.

    :param sample_rate: of the audio, Hz.
    :param live: whether somebody listens; if not, playback counts as being ahead without end.
    :param patience: seconds in which the first audio is wanted.
    :param speed: tells how many seconds of audio this stream can make in a second now; 0 where nobody knows.
    :param clock: gives the time in seconds.
    """

    def __init__(
        self,
        sample_rate: int,
        live: bool = True,
        patience: float = 0.05,
        speed: Callable[[], float] = float,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.sample_rate = sample_rate
        self.live = live
        self.speed = speed
        self.late = 0
        """Chunks that came after the audio before them had been played."""
        self.first_audio: float | None = None
        """Seconds from the request to the first audio, once there is some."""
        self._clock = clock
        self._patience = patience
        self._requested = clock()
        self._runs_out = math.inf  # when the listener has heard all that was given; in the future: playback is ahead

    @property
    def started(self) -> bool:
        """Whether audio has been given out."""
        return self.first_audio is not None

    @property
    def lead(self) -> float:
        """Seconds of audio that the listener has not heard yet; 0 before the first and after running out."""
        if not self.live:
            return math.inf
        return max(0.0, self._runs_out - self._clock()) if self.started else 0.0

    def deadline(self) -> float:
        """When the next chunk is missed, in the time of the clock."""
        return self._runs_out if self.started else self._requested + self._patience

    def gave(self, samples: int) -> None:
        """A chunk of so many samples is there."""
        now, seconds = self._clock(), samples / self.sample_rate
        if self.first_audio is None:
            self.first_audio = now - self._requested
            self._runs_out = now
        elif now > self._runs_out:
            self.late += 1
            self._runs_out = now
        self._runs_out += seconds


@dataclass(frozen=True)
class Schedule:
    """Chunk sizes of one stream: a small first chunk for early audio, then larger ones, for less work in all, as long as
    playback is ahead.

    The head of a stream (an upsampler, an autoregressive decoder) finds one in ``utterance["schedule"]`` and asks it how
    much to give next. Everything behind the head gives out whatever has its context and knows no sizes. What is said
    in one stream is the same whatever the sizes are.

    :param first: frames that shall come out at the end of the stack first.
    :param growth: how many times as long as the one before a chunk is at most.
    :param largest: frames of a chunk at most.
    :param share: part of the time for which playback is ahead that making a chunk may take, for all streams that wait.
    :param allowed: the only sizes there are, ascending, where the hardware has fixed ones; the nearest below is taken.
    :param lookahead: frames that the blocks behind the head wait for; :class:`StreamableStack` adds them up. The first chunk
        is so much longer.
    :param hop: samples, or whatever the stack ends in, that come out for a frame of the head; :class:`StreamableStack`
        multiplies them.
    :param playback: how far the listener is; without it chunks grow each time.
    """

    first: int = 24
    growth: float = 16.0
    largest: int = 512
    share: float = 0.7
    allowed: tuple[int, ...] = ()
    lookahead: int = 0
    hop: float = 1.0
    playback: Playback | None = None

    @property
    def urgent(self) -> bool:
        """Whether somebody waits for the first audio, so that nothing is read ahead."""
        return self.playback is None or (self.playback.live and not self.playback.started)

    def sizes(self) -> Iterator[int]:
        """Yield frames to give next, without end."""
        size = self._fitting(min(self._affordable(), self.largest))
        yield size + self.lookahead
        while True:
            size = self._fitting(min(size * self.growth, self._affordable(grown=True), self.largest))
            yield size

    def before(self, lookahead: int, hop: float, allowed: tuple[int, ...] = ()) -> Schedule:
        """The same for a head behind which blocks wait for ``lookahead`` frames and make ``hop`` steps of each."""
        if hop == 1 and lookahead == self.lookahead and not allowed:
            return self
        return replace(self, lookahead=lookahead, hop=self.hop * hop, allowed=allowed or self.allowed)

    def _affordable(self, grown: bool = False) -> float:
        """Frames that can be made before playback gets near its end."""
        if self.playback is None:
            return math.inf if grown else self.first
        if not self.playback.live:
            return math.inf
        return self.share * self.playback.lead * self.playback.speed() * self.playback.sample_rate / self.hop

    def _fitting(self, size: float) -> int:
        wanted = max(self.first, 1, int(size))
        return max((one for one in self.allowed if one <= wanted), default=self.allowed[0]) if self.allowed else wanted
