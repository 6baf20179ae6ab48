"""The schedule of a stream: how many frames its head yields at a time."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol


class PlaybackState(Protocol):
    """The position of a listener in the audio of a stream, at ``sample_rate`` Hz.

    ``live`` is whether somebody listens while the audio is produced, ``started`` whether audio has been delivered,
    ``lead`` the seconds of delivered audio not yet heard. ``speed()`` returns the seconds of audio that the stream can
    produce per second; 0 if unknown. ``lengths()`` returns the least and the most seconds of the next chunk.
    """

    sample_rate: int
    live: bool

    @property
    def started(self) -> bool: ...
    @property
    def lead(self) -> float: ...
    def speed(self) -> float: ...
    def lengths(self) -> tuple[float, float]: ...


@dataclass(frozen=True)
class Schedule:
    """Chunk sizes of one stream: small first for early audio, then larger for less total work while playback is ahead.

    The head of a stream (an upsampler, an autoregressive decoder) reads it from ``utterance["schedule"]`` and asks it
    how many frames to yield next. The blocks after the head yield whatever has its context and know no sizes. The sizes
    never change the audio.

    :param first: frames that reach the end of the stack in the first chunk.
    :param growth: the most times a chunk is as long as the one before.
    :param largest: the most frames of a chunk.
    :param share: part of the lead that producing a chunk may take, for all waiting streams together.
    :param allowed: the only sizes, ascending, on hardware with fixed ones; a size is rounded down to one of them.
    :param lookahead: frames that the blocks after the head look ahead; :class:`StreamableStack` adds them up. The first
        chunk is longer by as many.
    :param hop: samples, or steps of the last block, per frame of the head; :class:`StreamableStack` multiplies them.
    :param playback: how far the listener is; without it chunks grow every time.
    """

    first: int = 24
    growth: float = 16.0
    largest: int = 512
    share: float = 0.7
    allowed: tuple[int, ...] = ()
    lookahead: int = 0
    hop: float = 1.0
    playback: PlaybackState | None = None

    @property
    def urgent(self) -> bool:
        """True if a listener waits for the first audio, so that nothing should be read ahead."""
        return self.playback is None or (self.playback.live and not self.playback.started)

    def sizes(self) -> Iterator[int]:
        """Yield the frames of each next chunk, endlessly."""
        size = self._allowed_size(min(self._affordable(), self.largest))
        yield size + self.lookahead
        while True:
            size = self._allowed_size(min(size * self.growth, self._affordable(grown=True), self.largest))
            yield size

    def before(self, lookahead: int, hop: float, allowed: tuple[int, ...] = ()) -> Schedule:
        """Return the schedule for a head followed by other blocks.

        :param lookahead: frames that they look ahead.
        :param hop: steps that they yield per frame.
        :param allowed: the only chunk sizes that they accept; empty: any.
        """
        if hop == 1 and lookahead == self.lookahead and not allowed:
            return self
        return replace(self, lookahead=lookahead, hop=self.hop * hop, allowed=allowed or self.allowed)

    def in_samples(self, hop_length: int) -> Schedule:
        """Return the schedule for a head that yields samples: the same chunks, ``hop_length`` times as long."""
        return replace(self, first=self.first * hop_length, largest=self.largest * hop_length)

    def _affordable(self, grown: bool = False) -> float:
        """Return the frames that can be produced before playback runs out, within what suits the other streams."""
        if self.playback is None:
            return math.inf if grown else self.first
        least, most = self.playback.lengths()
        seconds = self.share * self.playback.lead * self.playback.speed() if self.playback.live else math.inf
        return min(max(seconds, least), most) * self.playback.sample_rate / self.hop

    def _allowed_size(self, size: float) -> int:
        frames = max(self.first, 1, int(size))
        if not self.allowed:
            return frames
        return max((allowed for allowed in self.allowed if allowed <= frames), default=self.allowed[0])
