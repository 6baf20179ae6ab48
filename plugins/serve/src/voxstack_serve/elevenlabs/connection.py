"""A connection: messages of a client to its contexts, and theirs to the client."""

from __future__ import annotations

import asyncio
import functools
import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from voxstack_serve.backlog.protocols import call_on_shutdown, pace_of
from voxstack_serve.elevenlabs.context import Context
from voxstack_serve.elevenlabs.messages import (
    POLICY_VIOLATION,
    ClientMessage,
    ProtocolError,
    error_message,
    read_message,
)
from voxstack_serve.elevenlabs.options import Options
from voxstack_serve.service import Service

if TYPE_CHECKING:
    from starlette.websockets import WebSocket

MOST_CONTEXTS = 32
"""Contexts that a connection may have at once."""
DEFAULT = ""
"""Name of the context of messages that name none."""
NORMAL = 1000
"""The code with which connections are closed that have done their work."""
RESTART = 1012
"""The code with which connections are closed because the server stops: clients connect again."""


class Connection:
    """A connection to one voice, with any number of contexts.

    :param single: whether all text is of one context, the connection ends with it, and a message whose text is empty
        ends that text.
    """

    def __init__(self, websocket: WebSocket, service: Service, voice: str, options: Options, single: bool) -> None:
        self._websocket, self._service, self._voice, self._options = websocket, service, voice, options
        self._single = single
        self._contexts: dict[str, Context] = {}
        self._running: set[Context] = set()  # also those whose names are used again
        self._ending = False
        self._stopping = False  # with the server
        self._closing: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Serve the client until one side closes the connection.

        :raises ProtocolError: for a message that cannot be read.
        """
        call_on_shutdown(self._websocket.scope, self.finish)
        try:
            while (event := await self._websocket.receive())["type"] == "websocket.receive":
                await self._receive(read_message(event.get("text") or event.get("bytes") or ""))
        finally:
            await asyncio.gather(*[context.abandon() for context in self._running])

    def finish(self) -> None:
        """Close the connection when the contexts that it has now have ended: the server stops."""
        self._ending = self._stopping = True
        self._close_when_done(RESTART)

    async def _receive(self, message: ClientMessage) -> None:
        name = DEFAULT if self._single else message.context or DEFAULT
        if message.close_socket or (self._single and message.text == ""):
            self._end()
        elif message.close_context:
            if name in self._contexts:
                self._contexts[name].close()
        else:
            await self._pass_on(name, message)

    async def _pass_on(self, name: str, message: ClientMessage) -> None:
        """Pass a message on to its context, which is opened by its first text; without one, it means nothing."""
        context = self._contexts.get(name)
        try:
            if (context is None or context.ended) and message.text and self._is_open():
                context = self._open(name, message, context)
            if context is not None and not context.ended:
                context.receive(message)
        except ProtocolError as error:
            await self._send(name, error_message(error.code, str(error)))

    def _is_open(self) -> bool:
        """Return whether contexts may be opened.

        :raises ProtocolError: if not, as the server stops.
        """
        if self._stopping:
            raise ProtocolError("system_busy", "the service stops; connect again")
        return not self._ending

    def _open(self, name: str, message: ClientMessage, before: Context | None) -> Context:
        if len(self._running) >= MOST_CONTEXTS:
            problem = f"this connection has {MOST_CONTEXTS} contexts; close those that are done"
            raise ProtocolError("max_active_conversations", problem)
        controls = {} if message.speed in (None, 1) else {"rate": message.speed}
        send = functools.partial(self._send, name)
        after = before.task if before else None
        pace = pace_of(self._websocket.scope)
        context = Context(self._service, self._voice, self._options, controls, send, after, pace)
        self._contexts[name] = context
        self._running.add(context)
        context.task.add_done_callback(lambda _: self._forget(name, context))
        return context

    def _forget(self, name: str, context: Context) -> None:
        """Forget a context that has sent its final message, or whose connection is lost."""
        self._running.discard(context)
        if self._contexts.get(name) is context:
            del self._contexts[name]
        if context.task.cancelled() or context.task.exception() is not None:
            return
        self._ending = self._ending or self._single
        if self._single:
            self._close_when_done(POLICY_VIOLATION if context.failed else NORMAL)
        else:
            self._close_when_done(RESTART if self._stopping else NORMAL)

    def _end(self) -> None:
        """Close the connection when all that was received has been synthesized."""
        self._ending = True
        for context in self._contexts.values():
            context.finish()
        self._close_when_done(NORMAL)

    def _close_when_done(self, code: int) -> None:
        if self._ending and not self._running and self._closing is None:
            self._closing = asyncio.create_task(self._close(code))

    async def _close(self, code: int) -> None:
        from starlette.websockets import WebSocketDisconnect

        with suppress(WebSocketDisconnect):  # the client has closed it
            await self._websocket.close(code)

    async def _send(self, name: str, members: dict[str, Any]) -> None:
        """Send a message of a context; return when the client has room for the next."""
        context = {} if self._single else {"contextId": name or None}
        await self._websocket.send_text(json.dumps({**members, **context}, separators=(",", ":")))
