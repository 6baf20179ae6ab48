"""A server of an application on a socket of its own."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

from voxstack import VoxstackError
from voxstack_serve.startup import Job, running

if TYPE_CHECKING:
    import uvicorn

    from voxstack_serve.wyoming import WyomingServer

SEND_BUFFER = 65_536
"""Bytes that the system takes over for a client that reads slowly; then the synthesis waits.

Linux would take some megabytes: minutes of audio, computed for a client that may stop listening.
"""


LONGEST_MESSAGE = 2**21
"""Bytes of a message of a WebSocket: the longest text in escaped JSON."""


def listening_socket(host: str, port: int, shared: bool = False) -> socket.socket:
    """Return a socket that listens at an address; port 0 is a free one.

    :param shared: whether other processes of this user listen there, too: Linux then spreads connections over them.
    :raises VoxstackError: if the address is unavailable, with what to do.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        found = socket.socket(family, kind, protocol)  # without the protocol, asyncio sets no TCP_NODELAY: 40 ms
    except OSError as error:
        raise VoxstackError(f"--host {host}: {error.strerror or error}; give an address of this machine") from error
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)  # accepted sockets inherit it
        found.bind(address)
        found.listen(2048)
    except OSError as error:
        found.close()
        advice = "another program may use this port; give another --port, or 0 for a free one"
        raise VoxstackError(f"cannot listen at {host}:{port}: {error.strerror or error}; {advice}") from error
    return found


def make_server(app: Any, grace: float = 30.0) -> uvicorn.Server:
    """Return a server, which ``run(sockets=[...])`` runs until SIGTERM or SIGINT.

    It then accepts no more requests, and completes those that run.

    :param grace: seconds after which it cancels those.
    """
    import uvicorn

    from voxstack_serve.backlog.protocols import http_protocol, websocket_protocol

    logging.getLogger("uvicorn.error").addFilter(is_no_cancellation)
    config = uvicorn.Config(
        app,
        http=http_protocol(),
        ws=websocket_protocol(),
        lifespan="off",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        ws_max_size=LONGEST_MESSAGE,
        ws_per_message_deflate=False,  # audio shrinks by a quarter, for a third of the work of synthesizing it
        timeout_graceful_shutdown=max(1, round(grace)),
    )
    return uvicorn.Server(config)


def is_no_cancellation(record: logging.LogRecord) -> bool:
    """Return whether a record reports something else than a request that was cancelled for the end of the server."""
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, asyncio.CancelledError)


def address_of(listener: socket.socket) -> str:
    """Return the address of a listening socket as a URL."""
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def run(
    app: Any,
    listener: socket.socket,
    grace: float,
    wyoming: WyomingServer | None = None,
    *,
    jobs: Sequence[Job] = (),
    on_stop: Callable[[], Awaitable[None]] | None = None,
) -> None:
    """Serve until a signal ends the program; both servers then complete what runs, at the same time.

    :param jobs: that run beside; one that fails ends the program.
    :param on_stop: is awaited after the signal, before the servers stop.
    """
    with contextlib.closing(listener):
        asyncio.run(_serve(make_server(app, grace), listener, wyoming, jobs, on_stop))


async def _serve(
    server: uvicorn.Server,
    listener: socket.socket,
    wyoming: WyomingServer | None,
    jobs: Sequence[Job],
    on_stop: Callable[[], Awaitable[None]] | None,
) -> None:
    if wyoming is not None:
        await wyoming.start()
        _stop_with(server, wyoming)
    if on_stop is not None:
        _before_stop(server, on_stop)
    async with running(jobs, functools.partial(setattr, server, "should_exit", True)):
        await server.serve(sockets=[listener])


def _stop_with(server: uvicorn.Server, wyoming: WyomingServer) -> None:
    """Let a server stop another one when it stops: it raises the signal again before ``serve`` returns."""
    shutdown = server.shutdown

    async def both(sockets: list[socket.socket] | None = None) -> None:
        await asyncio.gather(shutdown(sockets), wyoming.stop())

    server.shutdown = both  # type: ignore[method-assign]


def _before_stop(server: uvicorn.Server, call: Callable[[], Awaitable[None]]) -> None:
    """Let a server await a call before it stops, while it accepts requests; another SIGINT ends that."""
    shutdown = server.shutdown

    async def after(sockets: list[socket.socket] | None = None) -> None:
        calling = asyncio.ensure_future(call())
        while not (calling.done() or server.force_exit):
            await asyncio.wait([calling], timeout=0.1)
        calling.cancel()
        await shutdown(sockets)

    server.shutdown = after  # type: ignore[method-assign]
