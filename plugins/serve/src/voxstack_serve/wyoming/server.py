"""The TCP server of the Wyoming protocol."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Iterable
from contextlib import suppress
from types import TracebackType
from typing import Self

from wyoming.error import Error

from voxstack import RequestError
from voxstack_serve.service import Service
from voxstack_serve.wyoming.connection import Connection
from voxstack_serve.wyoming.discovery import Announcement
from voxstack_serve.wyoming.events import MAX_HEADER, encoded

_LOG = logging.getLogger("voxstack.serve")

DEFAULT_PORT = 10200
"""The port on which Home Assistant's users expect text to speech."""

SEND_BUFFER = 2**16
"""Bytes that the system keeps for a client that does not read; without a limit it takes minutes of audio."""

FAREWELL = 5.0
"""Seconds in which a client takes the rest when its connection is closed."""


class WyomingServer:
    """A server that answers Wyoming clients, each connection by itself, in the running event loop.

    The protocol has no authentication or encryption: listen on an address that only trusted machines reach.

    :param port: 0: one that the system chooses; see :attr:`port` once it listens.
    :param connections: the most clients at a time; others get an ``error``.
    :param grace: seconds in which running requests are completed when the server stops.
    :param shared: whether other processes of this user listen at the same port, too.
    :param announce: the name under which Home Assistant discovers the server by zeroconf; None: not at all.
    """

    def __init__(
        self,
        service: Service,
        host: str = "127.0.0.1",
        port: int = DEFAULT_PORT,
        *,
        connections: int = 256,
        grace: float = 0.0,
        announce: str | None = None,
        shared: bool = False,
    ) -> None:
        self.host, self.port, self._shared = host, port, shared
        self._service, self._most, self._grace, self._announce = service, connections, grace, announce
        self._server: asyncio.Server | None = None
        self._announcement: Announcement | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._connections: set[Connection] = set()

    async def start(self) -> None:
        """Listen.

        :raises RequestError: if the address is not available.
        :raises PluginError: if the server is to be announced, and zeroconf is not installed.
        """
        try:
            self._server = await asyncio.start_server(
                self._accept, self.host, self.port, limit=MAX_HEADER, reuse_port=self._shared or None
            )
        except OSError as error:
            problem = f"cannot listen on {self.host}:{self.port}: {error.strerror or error}"
            raise RequestError(f"{problem}; choose another port, or an address of this machine") from None
        self.port = self._server.sockets[0].getsockname()[1]
        _LOG.info("Wyoming clients are served on %s:%s", self.host, self.port)
        if self._announce is not None:
            try:
                self._announcement = await Announcement.make(self._announce, self.host, self.port)
            except BaseException:
                await self.stop()
                raise

    async def stop(self) -> None:
        """Stop listening, and disconnect the clients; what is not complete in time is cancelled."""
        announcement, self._announcement = self._announcement, None
        server, self._server = self._server, None
        if server is not None:
            server.close()
        if announcement is not None:
            await announcement.withdraw()
        for connection in self._connections:
            connection.finish()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=self._grace)
        await _cancel(self._tasks)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _LOG.error("a Wyoming connection failed", exc_info=error)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if len(self._tasks) > self._most:
                await self._refuse(writer)
            else:
                _set_options(writer.get_extra_info("socket"))
                await self._run(Connection(self._service, reader, writer))
        except BaseException:
            writer.transport.abort()
            raise
        await _hang_up(writer)

    async def _run(self, connection: Connection) -> None:
        self._connections.add(connection)
        try:
            await connection.run()
        finally:
            self._connections.discard(connection)

    async def _refuse(self, writer: asyncio.StreamWriter) -> None:
        problem = f"there are {self._most} clients already; try again later"
        with suppress(ConnectionError):
            writer.write(encoded(Error(problem, "CapacityError").event()))
            await writer.drain()


async def _cancel(tasks: Iterable[asyncio.Task[None]]) -> None:
    running = list(tasks)
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)


async def _hang_up(writer: asyncio.StreamWriter) -> None:
    """Close a connection once the client has what was sent, or does not take it."""
    try:
        async with asyncio.timeout(FAREWELL):
            writer.close()
            await writer.wait_closed()
    except (asyncio.CancelledError, TimeoutError):
        writer.transport.abort()  # which fails once the connection is closed
    except OSError:
        pass  # the client has closed it


def _set_options(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)  # clients that vanish count no longer
