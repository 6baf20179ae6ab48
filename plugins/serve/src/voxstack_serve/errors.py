"""Errors as clients receive them: the envelope of OpenAI, which fills ``.code`` and ``.param`` of its clients."""

from __future__ import annotations

import http
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from voxstack import CapacityError, DeadlineError, RequestError, VoxstackError

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

_LOG = logging.getLogger("voxstack.serve")

RETRY_AFTER = 1
"""Seconds after which a client that was refused for lack of capacity tries again."""

FAULT = "the service failed; its log states why"
"""What clients learn of an error that is not voxstack's: its own text may show what is not for them."""


class ApiError(Exception):
    """An error with the status and the envelope of its response.

    :param param: the key of the request that is wrong.
    :param code: a word for programs.
    """

    def __init__(
        self,
        status: int,
        message: str,
        param: str | None = None,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.param, self.code = status, message, param, code
        self.headers = dict(headers or {})

    def envelope(self) -> dict[str, Any]:
        """Return the body of the response."""
        kind = "invalid_request_error" if self.status < 500 else "server_error"
        return {"error": {"message": self.message, "type": kind, "param": self.param, "code": self.code}}


def invalid(message: str, param: str | None = None, code: str = "invalid_value") -> ApiError:
    """Return the error for a request that cannot succeed when it is repeated."""
    return ApiError(400, message, param, code)


def api_error(error: BaseException) -> ApiError:
    """Return an error as a client receives it; what is no error of a request or of capacity is logged."""
    if isinstance(error, ApiError):
        return error
    if isinstance(error, RequestError):
        return invalid(str(error))
    if isinstance(error, CapacityError):
        # A client that tries again by another connection may reach another process, which has capacity.
        headers = {"retry-after": str(RETRY_AFTER), "retry-after-ms": str(1000 * RETRY_AFTER), "connection": "close"}
        return ApiError(503, str(error), code="capacity", headers=headers)
    _LOG.error("a request failed: %s", error, exc_info=error)
    if isinstance(error, DeadlineError):
        return ApiError(504, str(error), code="deadline")
    message = str(error) if isinstance(error, VoxstackError) else FAULT
    return ApiError(500, message, code="internal_error")


def error_response(error: BaseException) -> Response:
    """Return the response for an error."""
    from starlette.responses import JSONResponse

    found = api_error(error)
    return JSONResponse(found.envelope(), found.status, found.headers)


async def handle_error(request: Request, error: Exception) -> Response:
    """Return the response for an error of a route, or for a request that no route takes."""
    from starlette.exceptions import HTTPException

    if not isinstance(error, HTTPException):
        return error_response(error)
    code, path = {404: "unknown_url", 405: "method_not_supported"}.get(error.status_code), request.url.path
    message = {
        404: f"there is no {path}; POST /v1/audio/speech synthesizes, GET /v1/audio/voices lists the voices",
        405: f"{path} does not accept {request.method}; see the header Allow",
    }.get(error.status_code, error.detail or http.HTTPStatus(error.status_code).phrase)
    return error_response(ApiError(error.status_code, message, code=code, headers=error.headers))
