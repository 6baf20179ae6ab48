"""Clients of WebSockets: they answer a ping when they have read what was sent before it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from contextlib import suppress

from voxstack_serve.backlog.pace import MOMENT, MeasuredPace, Pace


class Pings:
    """The pings of one connection, of which one at most is on its way.

    :param send: sends a ping with a payload.
    """

    def __init__(self, send: Callable[[bytes], None]) -> None:
        self._send = send
        self._payloads = (b"voxstack %d" % number for number in itertools.count())
        self._payload: bytes | None = None  # of the ping that is on its way
        self._asked: dict[PingPace, float] = {}  # seconds of audio that were sent before it
        self._unread: set[PingPace] = set()  # whose audio was sent after it

    def pace(self) -> Pace:
        """Return the pace of a stream on this connection."""
        return PingPace(self)

    def sent(self, pace: PingPace) -> None:
        """Record that audio was sent."""
        self._unread.add(pace)
        if self._payload is None:
            self._ask()

    def answer(self, payload: bytes) -> None:
        """Record the answer to a ping; others are ignored."""
        if payload != self._payload:
            return
        self._payload = None
        for pace, seconds in self._asked.items():
            pace.record(seconds)
        self._asked = {}
        if self._unread:
            self._ask()

    def _ask(self) -> None:
        self._asked = {pace: pace.sent for pace in self._unread}
        self._unread.clear()
        self._payload = next(self._payloads)
        self._send(self._payload)


class PingPace(MeasuredPace):
    """The pace of a stream whose client answers pings."""

    def __init__(self, pings: Pings) -> None:
        super().__init__()
        self._pings = pings
        self._answered = asyncio.Event()

    def record(self, seconds: float) -> None:
        """Record that audio was read."""
        self.read = max(self.read, seconds)
        self._answered.set()

    async def room(self, end: float) -> None:
        while self.must_wait(end):
            self._answered.clear()
            await self._answered.wait()

    def count(self, end: float) -> None:
        super().count(end)
        self._pings.sent(self)

    async def settle(self) -> None:
        if self.read < self.sent:
            self._answered.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(MOMENT):
                    await self._answered.wait()
