"""Protocols of uvicorn whose applications find their client in the state of a request.

An application finds nothing there under another server, and then has no limit but what the connection takes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from voxstack_serve.backlog.pace import Pace
from voxstack_serve.backlog.pings import Pings
from voxstack_serve.backlog.tcp import TcpClient

_CLIENT = "voxstack_serve.client"
"""The key of the client in the state of a request."""

_CALLS = "voxstack_serve.on_shutdown"
"""The key of the calls that end a WebSocket."""


def pace_of(scope: Mapping[str, Any]) -> Pace:
    """Return the pace of a stream for the client of a request."""
    client = scope.get("state", {}).get(_CLIENT)
    return client.pace() if isinstance(client, Pings if scope["type"] == "websocket" else TcpClient) else Pace()


def call_on_shutdown(scope: Mapping[str, Any], call: Callable[[], None]) -> None:
    """Let a call end a WebSocket when the server stops; without one, it is closed at once."""
    scope.get("state", {}).get(_CALLS, []).append(call)


def http_protocol() -> type[asyncio.Protocol]:
    """Return the protocol of HTTP."""
    from uvicorn.protocols.http.auto import AutoHTTPProtocol

    base: Any = AutoHTTPProtocol

    class HttpProtocol(base):  # type: ignore[misc]
        """A protocol that adds its client to the state of requests."""

        def connection_made(self, transport: asyncio.Transport) -> None:
            super().connection_made(transport)
            _add(self, _CLIENT, TcpClient(transport))

    return HttpProtocol


def websocket_protocol() -> type[asyncio.Protocol] | str:
    """Return the protocol of WebSockets; the name of uvicorn's choice, where that sends no pings."""
    try:
        from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
    except ImportError:
        return "auto"
    base: Any = WebSocketsSansIOProtocol

    class WebSocketProtocol(base):  # type: ignore[misc]
        """A protocol that adds the pings of its client, and what ends them, to the state of connections."""

        def connection_made(self, transport: asyncio.Transport) -> None:
            super().connection_made(transport)
            self.pings = Pings(self._ping)
            self.calls: list[Callable[[], None]] = []
            _add(self, _CALLS, self.calls)
            _add(self, _CLIENT, self.pings)

        def shutdown(self) -> None:
            if self.close_sent or not self.calls:
                super().shutdown()
            for call in self.calls:
                call()

        def handle_pong(self, event: Any) -> None:
            self.pings.answer(bytes(event.data))
            super().handle_pong(event)

        def _ping(self, payload: bytes) -> None:
            if not (self.close_sent or self.transport.is_closing()):
                self.conn.send_ping(payload)
                self.transport.write(b"".join(self.conn.data_to_send()))

    return WebSocketProtocol


def _add(protocol: Any, key: str, value: object) -> None:
    """Add to the state of the requests of a connection."""
    protocol.app_state = {**protocol.app_state, key: value}
