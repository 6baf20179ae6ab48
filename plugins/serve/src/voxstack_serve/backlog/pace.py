"""The pace of one stream of audio: how far it may run ahead of its client."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable

Send = Callable[[bytes], Awaitable[None]]
"""Sends bytes of a body, cut anywhere; returns when the connection has room for more."""

LEAST = 0.8
"""Seconds of audio for a client that has read nothing."""

GROWTH = 16.0
"""Seconds more for each second of audio that a client has read."""

MOMENT = 0.003
"""Seconds for which more audio waits for the client to show that it has read the first."""

MOST = 20.0
"""Seconds of audio that a client may leave unread, whatever it has read before."""


class Pace:
    """The pace where nothing is known of the client: as fast as the connection takes the audio.

    ``sent`` is the seconds of audio that were sent since the start.
    """

    def __init__(self) -> None:
        self.sent = 0.0

    @property
    def limit(self) -> float:
        """Seconds of audio since the start up to which it may be computed and sent now. Any thread may read it."""
        return math.inf

    async def room(self, end: float) -> None:
        """Wait until the client has room for audio up to ``end``, in seconds since the start."""

    def count(self, end: float) -> None:
        """Record that audio was sent up to ``end``."""
        self.sent = end

    async def settle(self) -> None:
        """Wait a moment, after the first audio, for the client to show that it has read it.

        The next chunk can then be as long as the client has room for.
        """

    async def send(self, data: bytes, end: float, send: Send) -> None:
        """Send a part of the audio, up to ``end``, when the client has room for it."""
        await self.room(end)
        await send(data)
        self.count(end)


class MeasuredPace(Pace):
    """The pace of a client that is known to have read ``read`` seconds of the audio.

    A client that reads gains more room than it has read, so that one that downloads is held up a few times only.
    """

    def __init__(self) -> None:
        super().__init__()
        self.read = 0.0

    @property
    def proven(self) -> float:
        """Seconds that it has read without doubt."""
        return self.read

    @property
    def limit(self) -> float:
        return self.read + min(max(LEAST, GROWTH * self.proven), MOST)

    def must_wait(self, end: float) -> bool:
        """Return whether audio up to ``end`` has to wait; a client that has read all has room for any."""
        return end > self.limit and self.sent > self.read
