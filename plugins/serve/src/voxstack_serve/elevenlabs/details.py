"""Errors of requests over HTTP, as this protocol describes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from voxstack import CapacityError
from voxstack_serve.elevenlabs.messages import ProtocolError
from voxstack_serve.errors import ApiError, api_error

if TYPE_CHECKING:
    from starlette.responses import Response

_PATHS = ("/v1/text-to-speech/", "/v1/voices", "/v2/voices")
_STATUSES = {"voice_not_found": 404}


def is_of_protocol(scope: Mapping[str, Any]) -> bool:
    """Return whether a request is of this protocol: by its address, or by the header of its key."""
    names = {name for name, _ in scope["headers"]}
    by_key = b"xi-api-key" in names and b"authorization" not in names
    return by_key or str(scope["path"]).startswith(_PATHS)


def detail_response(error: BaseException) -> Response:
    """Return the response for an error: ``{"detail": {"status", "message"}}``."""
    from starlette.responses import JSONResponse

    found = _api_error(error)
    detail = {"status": found.code or "invalid_request", "message": found.message}
    return JSONResponse({"detail": detail}, found.status, found.headers)


def _api_error(error: BaseException) -> ApiError:
    if isinstance(error, ProtocolError):
        return ApiError(_STATUSES.get(error.code, 400), str(error), code=error.code)
    found = api_error(error)
    if isinstance(error, CapacityError):
        return ApiError(found.status, found.message, code="system_busy", headers=found.headers)
    return found
