"""The middleware of every request: keys, ids of requests, counts of responses, and their log."""

from __future__ import annotations

import hmac
import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from voxstack_serve.errors import ApiError, error_response
from voxstack_serve.logs import log_event
from voxstack_serve.request_info import RequestInfo, begin_request

if TYPE_CHECKING:
    from prometheus_client import Counter
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

OPEN = ("/health", "/ready")
"""Paths that need no key."""

QUIET = (*OPEN, "/metrics")
"""Paths that machines request all the time; they are not logged."""


class Access:
    """A middleware that refuses requests without a key, gives each response an id, and counts and logs it, also errors.

    :param keys: of which each request carries one, as ``Authorization: Bearer KEY`` or ``xi-api-key: KEY``; empty: all
        requests are accepted.
    """

    def __init__(self, app: ASGIApp, keys: Iterable[str], responses: Counter) -> None:
        self._app, self._keys, self._responses = app, [key.encode() for key in keys], responses

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        request = begin_request()
        allowed = not self._keys or scope["path"] in OPEN or self._has_key(dict(scope["headers"]))
        if scope["type"] == "websocket":
            await (self._app if allowed else _refuse_socket)(scope, receive, send)
        else:
            await self._answer(request, self._app if allowed else _refuse, scope, receive, send)

    async def _answer(self, request: RequestInfo, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        began, status = time.perf_counter(), 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", request.id.encode())]
                self._responses.labels(str(status)).inc()
            await send(message)

        try:
            await app(scope, receive, send_with_id)
        except Exception as error:
            if status:
                raise
            await error_response(error)(scope, receive, send_with_id)
        finally:
            if not request.streams and scope["path"] not in QUIET:
                seconds = round(time.perf_counter() - began, 4)
                about = {"method": scope["method"], "path": scope["path"], "status": status, "seconds": seconds}
                log_event("request", request=request.id, **about)

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
