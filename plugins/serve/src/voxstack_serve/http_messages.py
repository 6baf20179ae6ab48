"""Bodies of requests and responses over HTTP, whatever the protocol."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from voxstack_serve.errors import ApiError

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import Send


async def read_body(request: Request, limit: int) -> bytes:
    """Return the body of a request.

    :raises ApiError: if it has more than ``limit`` bytes.
    :raises ClientDisconnect: if the client goes before it is complete.
    """
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > limit:
            raise ApiError(413, f"the body has more than {limit} bytes; send less", code="body_too_large")
    return bytes(body)


def body_sender(send: Send) -> Callable[[bytes], Awaitable[None]]:
    """Return a function that sends a part of a body, which others follow."""

    async def send_part(data: bytes) -> None:
        await send({"type": "http.response.body", "body": data, "more_body": True})

    return send_part


def json_response(content: Any) -> Response:
    """Return a response in JSON."""
    from starlette.responses import JSONResponse

    return JSONResponse(content)
