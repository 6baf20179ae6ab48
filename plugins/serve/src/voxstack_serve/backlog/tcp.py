"""Clients of TCP: what their system has acknowledged, and what of that they have read.

A receiver reports how much room it has left, from which bytes that wait there to be read are missing. Room grows while
a connection is young, which hides some: :data:`HIDDEN`. The time of an acknowledgement shows more. Linux acknowledges
small segments at once when the program has read all there is, and otherwise after 40 ms, except for the first 16. So a
few small segments are a probe: if the last of them is acknowledged at once, all was read. Other systems do not wait for
the program; there the room decides.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from voxstack_serve.backlog.pace import MeasuredPace, Pace, Send
from voxstack_serve.backlog.tcp_info import TcpInfo

HIDDEN = 32_768
"""Bytes that a client may have left unread though it reports as much room as ever."""

PROBES, PROBE = 18, 2
"""Segments of a probe, more than those that are acknowledged at once anyway, and bytes in each: whole samples."""

AT_ONCE = 0.03
"""Seconds after a round trip within which a segment is acknowledged whose bytes were read."""

FIRST_PAUSE, LAST_PAUSE = 0.001, 3.0
"""Seconds between two looks at a client that is held up; each pause is longer than the one before."""


class Probe(NamedTuple):
    """A probe.

    :param before: the state of the connection before it.
    :param sent: when its last segment was sent, in seconds of the monotonic clock.
    """

    before: TcpInfo
    sent: float


class Position(NamedTuple):
    """A position in the bytes of a connection, and in the audio of a stream, in seconds."""

    written: int
    seconds: float


class TcpClient:
    """The client of one connection.

    :param transport: of the connection.
    """

    def __init__(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._socket: socket.socket | None = transport.get_extra_info("socket")
        self._widest = 0  # the most room that it has reported
        self.prompt: bool | None = None
        """Whether its system acknowledges small segments at once; None before it is known."""
        self.info: TcpInfo | None = None
        self.look()

    @property
    def is_lost(self) -> bool:
        """True if what is sent does not arrive any more."""
        return self._transport.is_closing()

    def look(self) -> TcpInfo | None:
        """Look at the connection; return its state, or None if it is unknown."""
        self.info = None if self._socket is None else TcpInfo.of(self._socket)
        if self.info is not None:
            self._widest = max(self._widest, self.info.window)
        return self.info

    def pace(self) -> Pace:
        """Return the pace of a stream on this connection."""
        return Pace() if self.look() is None else TcpPace(self)

    @property
    def waiting(self) -> int:
        """Bytes that were sent and that its system has not acknowledged."""
        buffered = self._transport.get_write_buffer_size() if isinstance(self._transport, asyncio.WriteTransport) else 0
        return buffered + (self.info.waiting if self.info else 0)

    @property
    def written(self) -> int:
        """Bytes that were sent since the connection was made."""
        return self.waiting + (self.info.acknowledged if self.info else 0)

    @property
    def kept(self) -> int:
        """Bytes that its system is known to have and that it has not read."""
        return self._widest - self.info.window if self.info else 0

    def has_read_all(self, probe: Probe) -> bool:
        """Return whether the last segment of a probe was acknowledged because everything was read."""
        before, after = probe.before, self.info
        if after is None or self.waiting:
            return False
        if self.prompt is None:
            self.prompt = after.segments - before.segments > PROBES / 4
        repeated = after.retransmitted > before.retransmitted  # which is acknowledged at once by all
        if not self.prompt or repeated or self.kept > self._widest / 8:
            return False
        return time.monotonic() - after.silence - probe.sent <= after.trip + AT_ONCE


class TcpPace(MeasuredPace):
    """The pace of a stream on a connection of TCP."""

    def __init__(self, client: TcpClient) -> None:
        super().__init__()
        self._client = client
        self._positions: deque[Position] = deque()  # of the audio that it may not have read
        self._probe: Probe | None = None  # that is not answered

    async def send(self, data: bytes, end: float, send: Send) -> None:
        """Send a part of the audio when the client has room for it; a few bytes of it earlier, to look for that.

        Its last bytes are a probe where more audio might have to wait.
        """
        pauses = _pauses()
        self._look()
        while self.must_wait(end) and len(data) > 2 * PROBES * PROBE:
            if self._probe is None and not self._client.waiting:
                data = await self._send_probe(data, send)
            await asyncio.sleep(next(pauses))
            self._look()
        if 2 * (end - self.read) > self.limit - self.read and len(data) > PROBES * PROBE:
            await send(data[: -PROBES * PROBE])
            data = await self._send_probe(data[-PROBES * PROBE :], send)
        if data:
            await send(data)
        self.count(end)
        self._positions.append(Position(self._client.written, end))

    async def _send_probe(self, data: bytes, send: Send) -> bytes:
        """Send the first bytes in small segments; return the rest."""
        before, sent = self._client.look(), 0.0
        for begin in range(0, PROBES * PROBE, PROBE):
            if self._client.is_lost:
                break  # asyncio logs each byte that is sent then
            sent = time.monotonic()
            await send(data[begin : begin + PROBE])
        self._probe = None if before is None else Probe(before, sent)
        return data[PROBES * PROBE :]

    def _look(self) -> None:
        """Look how far the client has read."""
        client = self._client
        if client.look() is None or client.is_lost:
            self.read = self.sent  # the connection is closed: what is sent fails
            return
        unread = client.waiting + client.kept + (HIDDEN if client.prompt is not False else 0)
        if self._probe is not None and not client.waiting:
            unread = 0 if client.has_read_all(self._probe) else unread
            self._probe = None
        while self._positions and self._positions[0].written <= client.written - unread:
            self.read = max(self.read, self._positions.popleft().seconds)


def _pauses() -> Iterator[float]:
    pause = FIRST_PAUSE
    while True:
        yield pause
        pause = min(1.5 * pause, LAST_PAUSE)
