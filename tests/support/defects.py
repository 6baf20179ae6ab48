"""Servers with a defect: an application whose responses are changed on their way."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any


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
