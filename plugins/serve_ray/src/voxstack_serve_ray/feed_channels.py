"""Connections to the ports on which replicas take feeds."""

from __future__ import annotations

import asyncio
import json
import logging

from voxstack_serve_ray.messages import Address, Feed

_LOG = logging.getLogger("voxstack.serve_ray")

CONNECT = 2.0
"""Seconds in which a connection is made."""


class FeedChannels:
    """A connection to each replica that streams run on, which all of them share.

    What is sent may be lost; the messages of a stream show that.
    """

    def __init__(self) -> None:
        self._channels: dict[Address, _Channel] = {}

    def send(self, address: Address, stream: str, feed: Feed) -> None:
        """Send a feed for a stream."""
        channel = self._channels.get(address)
        if channel is None:
            channel = self._channels[address] = _Channel(self, address)
        channel.send(json.dumps([stream, *feed]).encode() + b"\n")

    def forget(self, address: Address) -> None:
        """Make another connection for the next feed."""
        self._channels.pop(address, None)


class _Channel(asyncio.Protocol):
    """A connection to one replica; what is sent before it is made follows then."""

    def __init__(self, channels: FeedChannels, address: Address) -> None:
        self._channels, self._address = channels, address
        self._transport: asyncio.WriteTransport | None = None
        self._waiting: list[bytes] = []
        self._connecting = asyncio.ensure_future(self._connect())

    def send(self, line: bytes) -> None:
        """Send a line."""
        if self._transport is None:
            self._waiting.append(line)
        else:
            self._transport.write(line)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport
        transport.writelines(self._waiting)
        self._waiting = []

    def connection_lost(self, error: Exception | None) -> None:
        self._channels.forget(self._address)

    async def _connect(self) -> None:
        try:
            async with asyncio.timeout(CONNECT):
                await asyncio.get_running_loop().create_connection(lambda: self, *self._address)
        except OSError as error:  # TimeoutError, too
            _LOG.warning("a replica takes no feeds at %s:%s: %s", *self._address, error)
            self._channels.forget(self._address)
