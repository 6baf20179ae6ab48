"""How many frames the head of a stream gives at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Schedule:
    """Chunk sizes of one stream: a small first chunk for early audio, then growing ones for less work in all.

    The head of a stream (an upsampler, an autoregressive decoder) finds one in ``utterance["schedule"]`` and asks it how
    much to give next. Everything behind the head gives out whatever has its context and knows no sizes.

    :param first: frames that shall come out at the end of the stack first.
    :param growth: how much longer each chunk is than the one before.
    :param largest: frames of a chunk at most.
    :param lookahead: frames that the blocks behind the head wait for; :class:`StreamableStack` adds them up. The first chunk
        is so much longer.
    """

    first: int = 32
    growth: float = 2.0
    largest: int = 256
    lookahead: int = 0

    def sizes(self) -> Iterator[int]:
        """Yield frames to give next, without end."""
        yield self.first + self.lookahead
        size = float(self.first)
        while True:
            size = min(size * self.growth, self.largest)
            yield max(1, int(size))

    def ahead(self, frames: int) -> Schedule:
        """The same for a head behind which blocks wait for ``frames``."""
        return self if frames == self.lookahead else replace(self, lookahead=frames)

    def ahead_of_playback(self) -> Schedule:
        """The same where audio has been given out already, so that nothing is gained by a small first chunk."""
        return replace(self, first=self.largest)
