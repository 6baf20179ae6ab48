"""The middleware of every request: keys, ids of requests, counts of responses, and their log."""

from __future__ import annotations

import hmac
import time
from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from typing import TYPE_CHECKING

from voxstack_serve.errors import ApiError, error_response
from voxstack_serve.logs import log_event
from voxstack_serve.page import PREFIX
from voxstack_serve.request_info import RequestInfo, begin_request
from voxstack_serve.spans import Tracing

if TYPE_CHECKING:
    from prometheus_client import Counter
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

OPEN = ("/", "/health", "/ready")
"""Paths that need no key, as those of the files of the page."""

QUIET = ("/health", "/ready", "/metrics")
"""Paths that machines request all the time; they are neither logged nor traced."""


class Access:
    """A middleware that refuses requests without a key, gives each response an id, and counts and logs it, also errors.

    :param keys: of which each request carries one, as ``Authorization: Bearer KEY`` or ``xi-api-key: KEY``; empty: all
        requests are accepted.
    """

    def __init__(self, app: ASGIApp, keys: Iterable[str], responses: Counter, tracing: Tracing) -> None:
        self._app, self._keys, self._responses = app, [key.encode() for key in keys], responses
        self._tracing = tracing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        request = begin_request()
        allowed = not self._keys or _is_open(scope["path"]) or self._has_key(dict(scope["headers"]))
        is_quiet = scope["path"] in QUIET
        with nullcontext() if is_quiet else self._tracing.http(scope, request):
            if scope["type"] == "websocket":
                await (self._app if allowed else _refuse_socket)(scope, receive, send)
                return
            began = time.perf_counter()
            try:
                await self._answer(request, self._app if allowed else _refuse, scope, receive, send)
            finally:
                if not (is_quiet or request.streams):
                    _log(request, scope, time.perf_counter() - began)

    async def _answer(self, request: RequestInfo, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                request.status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", request.id.encode())]
                self._responses.labels(str(request.status)).inc()
            await send(message)

        try:
            await app(scope, receive, send_with_id)
        except Exception as error:
            if request.status:
                raise
            await error_response(error)(scope, receive, send_with_id)

    def _has_key(self, headers: Mapping[bytes, bytes]) -> bool:
        scheme, _, bearer = headers.get(b"authorization", b"").partition(b" ")
        found = bearer.strip() if scheme.lower() == b"bearer" else headers.get(b"xi-api-key", b"")
        return any(hmac.compare_digest(found, key) for key in self._keys)


def _log(request: RequestInfo, scope: Scope, seconds: float) -> None:
    about = {"method": scope["method"], "path": scope["path"], "status": request.status, "seconds": round(seconds, 4)}
    log_event("request", request=request.id, **about)


def _is_open(path: str) -> bool:
    return path in OPEN or path.startswith(PREFIX)


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    from voxstack_serve.elevenlabs.details import detail_response, is_of_protocol

    message = "there is no key, or a wrong one; send the header 'Authorization: Bearer KEY'"
    headers = {"www-authenticate": "Bearer"}
    respond = detail_response if is_of_protocol(scope) else error_response
    await respond(ApiError(401, message, code="invalid_api_key", headers=headers))(scope, receive, send)


async def _refuse_socket(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.close", "code": 1008, "reason": "there is no key, or a wrong one"})
