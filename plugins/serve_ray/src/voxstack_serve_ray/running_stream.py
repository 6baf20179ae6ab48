"""The state of a stream on its replica."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

from voxstack_serve_ray.errors import AbandonedError, BrokenTextError
from voxstack_serve_ray.messages import Alive, Feed

ABANDONED = 60.0
"""Seconds without a feed after which a stream that waits for room is ended."""

MOMENT = 0.03
"""Seconds for which the second chunk waits for what the client has done with the first."""


class RunningStream:
    """A stream: how far its audio may go on, and the parts of its text that have arrived.

    :param feed: that came with the request.
    """

    def __init__(self, feed: Feed) -> None:
        self.limit = 0.0
        """Seconds from the start up to which the audio may go on. Any thread may read it."""
        self._read, self._ended, self._broken = 0, False, False
        self._parts: asyncio.Queue[str | None] = asyncio.Queue()
        self._fed = asyncio.Event()
        self.feed(feed)
        self._first_limit, self._settled = self.limit, False

    def feed(self, feed: Feed) -> None:
        """Take a feed, also one that repeats what another has brought; what is missing before it is sent again."""
        self.limit = max(self.limit, feed.limit)
        if feed.first <= self._read:
            for part in feed.parts[self._read - feed.first :]:
                self._parts.put_nowait(part)
                self._read += 1
            if feed.ended and not self._ended and self._read == feed.first + len(feed.parts):
                self._ended, self._broken = True, feed.broken
                self._parts.put_nowait(None)
        self._fed.set()

    def alive(self) -> Alive:
        """Return the message of a stream that waits."""
        return Alive(self._read, self.limit, self._ended)

    async def room(self, end: float) -> None:
        """Wait until the audio after ``end``, in seconds from the start, may be computed.

        After the first audio, wait a moment for more room in any case: the next chunk is as long as there is room for.

        :raises AbandonedError: if no feed comes for :data:`ABANDONED` seconds.
        """
        if not self._settled:
            self._settled = True
            await self._settle()
        while end >= self.limit:
            self._fed.clear()
            try:
                async with asyncio.timeout(ABANDONED):
                    await self._fed.wait()
            except TimeoutError as error:
                raise AbandonedError(f"no word of its client came for {ABANDONED:g} s") from error

    async def _settle(self) -> None:
        self._fed.clear()
        if self.limit == self._first_limit:
            with suppress(TimeoutError):
                async with asyncio.timeout(MOMENT):
                    await self._fed.wait()

    async def text(self) -> AsyncIterator[str]:
        """Yield the parts of the text as they arrive.

        :raises BrokenTextError: if the source of the text has failed.
        """
        while (part := await self._parts.get()) is not None:
            yield part
        if self._broken:
            raise BrokenTextError("the source of the text has failed")
