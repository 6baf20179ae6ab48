"""The feeds of a stream: room for its audio, and the parts of its text."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from voxstack_serve_ray.errors import ReplicaLostError
from voxstack_serve_ray.feed_channels import FeedChannels
from voxstack_serve_ray.messages import Alive, Feed, Opened
from voxstack_serve_ray.text_relay import TextRelay

LEAD, LONGEST_LEAD = 1.0, 8.0
"""Seconds of audio that a replica computes ahead of its client, and then a chunk: at least, and for one that takes
audio much faster than it is played."""

GROWTH = 16.0
"""The lead for such a client, as a multiple of the audio that it has taken."""

LEAST = 0.1
"""Seconds of audio ahead of a client that wants more, whatever its horizon is."""

ARRIVAL, MISSES = 0.5, 2
"""Seconds after which a feed has arrived, or is sent again, and how often that is done."""


class Feeding:
    """The feeds of one stream.

    :param channels: to the replicas.
    :param relay: of a text that arrives in parts.
    :param horizon: returns the seconds of audio, from the start of the stream, that the client can take now.
    """

    def __init__(self, channels: FeedChannels, relay: TextRelay | None, horizon: Callable[[], float]) -> None:
        self._channels, self._relay, self._horizon = channels, relay, horizon
        self.taken = 0.0
        """Seconds of audio that the client has taken."""
        self._stream = ""
        self._first_taken: tuple[float, float] | None = None  # seconds of audio, and when
        self._opened: Opened | None = None
        self._state = self._sent = (
            Alive()
        )  # of the stream on its replica, as far as it is known, and if nothing is lost
        self._misses, self._last = 0, 0.0

    @property
    def replica(self) -> str:
        """The replica that runs the stream; empty if that is unknown."""
        return self._opened.replica if self._opened is not None else ""

    def begin(self, stream: str) -> Feed:
        """Return the feed that a new stream begins with."""
        self._stream, self._opened, self._misses, self._state = stream, None, 0, Alive()
        return self._next(self._limit())

    def opened(self, message: Opened) -> None:
        """Record which replica runs the stream."""
        self._opened = message

    def heard(self, state: Alive) -> None:
        """Record the state of the stream on its replica.

        :raises ReplicaLostError: if that does not get the feeds.
        """
        if time.monotonic() - self._last < ARRIVAL:  # it may be older than the feed
            return
        lacks = state.limit < self._sent.limit or state.read < self._sent.read or state.ended < self._sent.ended
        self._misses = self._misses + 1 if lacks else 0
        if self._opened is not None and self._misses > MISSES:
            raise ReplicaLostError(f"it gets no feeds at {self._opened.address[0]}:{self._opened.address[1]}")
        self._state = state

    def take(self, end: float) -> None:
        """Record that the client has taken the audio up to ``end``, in seconds from the start."""
        self.taken = end
        if self._first_taken is None:
            self._first_taken = end, time.monotonic()

    def feed(self) -> None:
        """Send what the replica does not have yet."""
        if self._opened is not None and self._is_due(limit := self._limit()):
            self._channels.send(self._opened.address, self._stream, self._next(limit))

    async def aclose(self) -> None:
        """Send nothing more, and read no more of the text."""
        self._opened = None
        if self._relay is not None:
            await self._relay.aclose()

    def _limit(self) -> float:
        """Return how far the audio may go on, in seconds from the start."""
        lead = min(max(LEAD, GROWTH * self.taken), LONGEST_LEAD) if self._downloads() else LEAD
        return self.taken + max(LEAST, min(lead, self._horizon() - self.taken))

    def _downloads(self) -> bool:
        """Return whether the client takes the audio at more than twice the speed of its playback, as far as known.

        Where its horizon shows what it has read, the first audio counts as taken at once.
        """
        if self._first_taken is None:
            return False
        audio, when = self._first_taken
        if self.taken == audio:
            return math.isfinite(self._horizon())
        return self.taken - audio > 2 * (time.monotonic() - when)

    def _is_due(self, limit: float) -> bool:
        more, left = limit - self._state.limit, self._state.limit - self.taken
        text = self._relay is not None and (
            len(self._relay.parts) > self._state.read or (self._relay.complete and not self._state.ended)
        )
        return text or 2 * more > limit - self.taken or (more > 0 and left < LEAD / 4)

    def _next(self, limit: float) -> Feed:
        """Return the next feed, which counts as sent then."""
        first, feed = self._state.read, Feed(limit)
        if self._relay is not None:
            parts, failed = tuple(self._relay.parts[first:]), self._relay.error is not None
            feed = Feed(limit, first, parts, self._relay.complete, failed)
        self._state = self._sent = Alive(first + len(feed.parts), limit, feed.ended)
        self._last = time.monotonic()
        return feed
