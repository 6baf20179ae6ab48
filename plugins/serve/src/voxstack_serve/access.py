"""The middleware of every request: keys, ids of requests, and counts of responses."""

from __future__ import annotations

import hmac
import uuid
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from voxstack_serve.errors import ApiError, error_response

if TYPE_CHECKING:
    from prometheus_client import Counter
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

OPEN = ("/health", "/ready")
"""Paths that need no key."""


class Access:
    """A middleware that refuses requests without a key, gives each response an id, and counts it, also errors.

    :param keys: of which each request carries one, as ``Authorization: Bearer KEY`` or ``xi-api-key: KEY``; empty: all
        requests are accepted.
    """

    def __init__(self, app: ASGIApp, keys: Iterable[str], responses: Counter) -> None:
        self._app, self._keys, self._responses = app, [key.encode() for key in keys], responses

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        allowed = not self._keys or scope["path"] in OPEN or self._has_key(dict(scope["headers"]))
        if scope["type"] == "websocket":
            await (self._app if allowed else _refuse_socket)(scope, receive, send)
            return
        request_id, begun = f"req_{uuid.uuid4().hex}", False

        async def send_with_id(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode())]
                self._responses.labels(str(message["status"])).inc()
            await send(message)

        try:
            await (self._app if allowed else _refuse)(scope, receive, send_with_id)
        except Exception as error:
            if begun:
                raise
            await error_response(error)(scope, receive, send_with_id)

    def _has_key(self, headers: Mapping[bytes, bytes]) -> bool:
        scheme, _, bearer = headers.get(b"authorization", b"").partition(b" ")
        found = bearer.strip() if scheme.lower() == b"bearer" else headers.get(b"xi-api-key", b"")
        return any(hmac.compare_digest(found, key) for key in self._keys)


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    message = "there is no key, or a wrong one; send the header 'Authorization: Bearer KEY'"
    headers = {"www-authenticate": "Bearer"}
    await error_response(ApiError(401, message, code="invalid_api_key", headers=headers))(scope, receive, send)


async def _refuse_socket(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.close", "code": 1008, "reason": "there is no key, or a wrong one"})
