"""Clients of TCP: what their system has acknowledged, and what of that they have read.

A receiver reports how much room it has left, from which bytes that wait there to be read are missing. Room grows while
a connection is young, which hides some: :data:`HIDDEN`. The time of an acknowledgement shows more. Linux acknowledges
small segments at once when the program has read all there is, and otherwise after 40 ms, except for the next 16 of a
connection that is young, was idle, or lost a segment. So a burst of small segments is a probe: if the last of them is
acknowledged at once, all was read. After a burst, a single segment is enough. Segments that arrive together may be
acknowledged as one, so what counts is how often it acknowledged. Other systems do not wait for the program; there the
room decides.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from voxstack_serve.backlog.pace import MOMENT, MeasuredPace, Pace, Send
from voxstack_serve.backlog.tcp_info import TcpInfo

HIDDEN = 32_768
"""Bytes that a client may have left unread though it reports as much room as ever."""

QUICK, BURST, SEGMENT = 16, 18, 2
"""Times that segments are acknowledged at once anyway, segments of a burst, and bytes of a segment: whole samples."""

BURSTS, IDLE = 2, 0.15
"""Bursts before single segments, and seconds after which a connection counts as idle, so that a burst is needed."""

AT_ONCE = 0.03
"""Seconds after a round trip within which a segment is acknowledged whose bytes were read."""

FIRST_PAUSE, SHORT_PAUSE, LONG_PAUSE = 0.001, 0.03, 1.0
"""Seconds between two looks at a client that is held up: each pause is longer than the one before, up to a limit."""

AFTER_PLAYING = 2.0
"""Seconds for which the pauses stay short once a client that plays as it reads would have read all."""


class Probe(NamedTuple):
    """A probe.

    :param before: the state of the connection before it.
    :param began: when the first byte was sent that its system may have acknowledged late, in seconds of the monotonic
        clock.
    :param after_idle: whether the connection was idle.
    """

    before: TcpInfo
    began: float
    after_idle: bool


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
        self._quick = QUICK  # times that its system still acknowledges at once anyway
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
            self.prompt = after.segments - before.segments > BURST / 4
        if after.retransmitted > before.retransmitted:
            self._quick = QUICK
            return False
        self._quick = (QUICK if probe.after_idle else self._quick) - (after.segments - before.segments)
        if time.monotonic() - after.silence - probe.began > after.trip + AT_ONCE:
            return False
        return self._quick < 0 and self.prompt and self.kept <= self._widest / 8


class TcpPace(MeasuredPace):
    """The pace of a stream on a connection of TCP."""

    def __init__(self, client: TcpClient) -> None:
        super().__init__()
        self._client = client
        self._positions: deque[Position] = deque()  # of the audio that it may not have read
        self._probe: Probe | None = None  # that is not answered
        self._probed = 0.0  # when its last segment was sent
        self._looking: asyncio.TimerHandle | None = None  # the next look for its answer
        self._begin = self._least = client.written  # where the stream begins, and bytes that it has read at least

    @property
    def proven(self) -> float:
        if self._client.prompt is not False:
            return self.read
        return self.read * max(0.0, 1 - HIDDEN / max(1, self._least - self._begin))

    async def send(self, data: bytes, end: float, send: Send) -> None:
        """Send a part of the audio when the client has room for it; a few bytes of it earlier, to look for that.

        Its last bytes are a probe where more audio might have to wait.
        """
        pauses, bursts = _pauses(self.sent - self.read + AFTER_PLAYING), BURSTS
        is_first = self.sent == 0
        self._stop_looking()
        self._look()
        while self.must_wait(end) and len(data) > 2 * BURST * SEGMENT:
            if self._probe is None and not self._client.waiting:
                data = await self._send_probe(data, send, BURST if bursts > 0 or self._is_idle() else 1)
                bursts -= 1
            kept = self._client.kept
            await asyncio.sleep(next(pauses))
            self._look()
            self._least += max(0, kept - self._client.kept)
        if (is_first or 2 * (end - self.read) > self.limit - self.read) and len(data) > BURST * SEGMENT:
            began = time.monotonic()
            await send(data[: -BURST * SEGMENT])
            data = await self._send_probe(data[-BURST * SEGMENT :], send, BURST, began)
        if data:
            await send(data)
        self.count(end)
        self._positions.append(Position(self._client.written, end))
        if is_first:
            await self.settle()
        if self._probe is not None:
            self._look_soon(FIRST_PAUSE)

    async def settle(self) -> None:
        for _ in range(round(MOMENT / FIRST_PAUSE)):
            if self._probe is None:
                return
            await asyncio.sleep(FIRST_PAUSE)
            self._look()

    def _look_soon(self, pause: float) -> None:
        """Look for the answer to a probe after a pause, as the next chunk is as long as the client has room for."""
        self._looking = asyncio.get_running_loop().call_later(pause, self._look_again, 2 * pause)

    def _look_again(self, pause: float) -> None:
        self._look()
        if self._probe is not None and pause < SHORT_PAUSE:
            self._look_soon(pause)

    def _stop_looking(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
            self._looking = None

    async def _send_probe(self, data: bytes, send: Send, segments: int, began: float | None = None) -> bytes:
        """Send the first bytes in small segments; return the rest.

        :param began: when bytes were sent that may not be acknowledged yet; by default there are no such bytes.
        """
        before, after_idle = self._client.look(), self._is_idle()
        began = time.monotonic() if began is None else began
        for begin in range(0, segments * SEGMENT, SEGMENT):
            if self._client.is_lost:
                break  # asyncio logs each byte that is sent then
            self._probed = time.monotonic()
            await send(data[begin : begin + SEGMENT])
        self._probe = None if before is None else Probe(before, began, after_idle)
        return data[segments * SEGMENT :]

    def _is_idle(self) -> bool:
        return time.monotonic() - self._probed > IDLE

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
        self._least = max(self._least, client.written - unread)
        while self._positions and self._positions[0].written <= self._least:
            self.read = max(self.read, self._positions.popleft().seconds)


def _pauses(short: float) -> Iterator[float]:
    """Yield pauses, which are short for some seconds."""
    pause, waited = FIRST_PAUSE, 0.0
    while True:
        yield pause
        waited += pause
        pause = min(1.5 * pause, SHORT_PAUSE if waited < short else LONG_PAUSE)
