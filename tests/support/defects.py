"""Servers with a defect: an application whose responses and messages are changed on their way."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from typing import Any

from voxstack_serve.contract import Clause, Target


class Response:
    """A response on its way to the client."""

    def __init__(self, path: str, method: str, request: Any) -> None:
        self.path, self.method, self.request = path, method, request if isinstance(request, dict) else {}
        self.status, self.headers, self.body = 200, dict[str, str](), b""

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def speaks(self) -> bool:
        return self.path.endswith("/audio/speech") and self.status == 200

    @property
    def events(self) -> bool:
        return self.headers.get("content-type") == "text/event-stream"


Defect = Callable[[Response], Any]
"""Changes a response in place, or returns its new body."""


class Broken:
    """An application with a defect. Each response is sent when it is whole, also to a client that has left.

    :param lock: for one response at a time.
    """

    def __init__(self, app: Any, defect: Defect, lock: asyncio.Lock | None = None) -> None:
        self._app, self._defect, self._lock = app, defect, lock

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        content = await body_of(receive)
        async with self._lock or nullcontext():
            await self._answer(scope, content, send)

    async def _answer(self, scope: Any, content: bytes, send: Any) -> None:
        response = Response(scope["path"], scope["method"], request_of(content))
        pending = [{"type": "http.request", "body": content, "more_body": False}]

        async def replay() -> Any:
            return pending.pop() if pending else await asyncio.Event().wait()

        async def collect(message: Any) -> None:
            if message["type"] == "http.response.start":
                response.status = message["status"]
                response.headers = {name.decode(): value.decode() for name, value in message["headers"]}
            response.body += message.get("body", b"")

        await self._app(scope, replay, collect)
        changed = self._defect(response)
        response.body = changed if isinstance(changed, bytes) else response.body
        if "content-length" in response.headers and response.method != "HEAD":
            response.headers["content-length"] = str(len(response.body))
        headers = [(name.encode(), value.encode()) for name, value in response.headers.items()]
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        await send({"type": "http.response.body", "body": response.body})


async def body_of(receive: Any) -> bytes:
    content, more = b"", True
    while more:
        message = await receive()
        content, more = content + message.get("body", b""), message.get("more_body", False)
    return content


def request_of(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return None


class Changed:
    """An application whose WebSockets have a defect.

    :param query: changes the parameters of an address.
    :param came: returns what the server receives instead of a message of the client.
    :param sent: returns what the client receives instead of a message of the server.
    :param scope: changes the scope of a connection in place.
    :param code: returns the code with which the server closes.
    """

    def __init__(
        self,
        app: Any,
        *,
        query: Callable[[str], str] = str,
        came: Callable[[Any, State], Any] = lambda message, state: [message],
        sent: Callable[[Any, State], Any] = lambda message, state: [message],
        scope: Callable[[Any], None] = lambda scope: None,
        code: Callable[[State], int] = lambda state: 1000,
    ) -> None:
        self._app, self._query, self._came, self._sent, self._scope = app, query, came, sent, scope
        self._code = code

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "websocket":
            await self._app(scope, receive, send)
            return
        self._scope(scope)
        scope["query_string"] = self._query(scope["query_string"].decode()).encode()
        state, pending = State(scope["path"], scope["query_string"]), list[Any]()

        async def changed_receive() -> Any:
            while not pending:
                event = await receive()
                if event["type"] != "websocket.receive":
                    return event
                found = request_of(event["text"])
                state.see(found)
                pending.extend(self._came(event["text"] if found is None else found, state))
                for answer in state.answers:
                    await send({"type": "websocket.send", "text": json.dumps(answer)})
                state.answers.clear()
            text = pending.pop(0)
            return {"type": "websocket.receive", "text": text if isinstance(text, str) else json.dumps(text)}

        async def changed_send(event: Any) -> None:
            if event["type"] != "websocket.send":
                await send({**event, "code": self._code(state)} if event["type"] == "websocket.close" else event)
                return
            for message in self._sent(json.loads(event["text"]), state):
                await send({"type": "websocket.send", "text": json.dumps(message)})
                if message.get("isFinal"):
                    state.open.discard(message.get("contextId"))

        await self._app(scope, changed_receive, changed_send)


class State:
    """What a defect may know of a connection: its path, open contexts, and the last message; and its own answers."""

    def __init__(self, path: str, query: bytes) -> None:
        self.path, self.query, self.open, self.flushed = path, query, set[Any](), False
        self.held: list[Any] = []
        self.answers: list[Any] = []

    def see(self, message: Any) -> None:
        if isinstance(message, dict) and message.get("text"):
            self.open.add(message.get("context_id"))


def neighbours(clauses: Iterable[Clause], names: set[str]) -> list[Clause]:
    """Return the clauses of the modules of those named."""
    known = list(clauses)
    modules = {clause.trial.__module__ for clause in known if clause.name in names}
    assert len(names) == len([clause for clause in known if clause.name in names]), f"not all of {names} exist"
    return [clause for clause in known if clause.trial.__module__ in modules]


def failures(clauses: Iterable[Clause], target: Target) -> dict[str, str]:
    """Return the explanations of the clauses that fail."""
    results = [clause.try_at(target) for clause in clauses]
    return {result.clause: result.explanation() for result in results if result.outcome == "fail"}
