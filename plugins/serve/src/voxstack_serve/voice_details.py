"""``GET /v1/audio/voices/NAME/controls`` and ``/stack``: what a voice can be asked for, and what it is made of."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from voxstack import RequestError
from voxstack_serve.errors import ApiError, invalid
from voxstack_serve.speech_request import EXTRAS, OWN

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    from voxstack_serve.service import Service


class VoiceDetails:
    """The pages about what is inside a voice."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def routes(self) -> list[Route]:
        """Return the routes of these pages."""
        from starlette.routing import Route

        path = "/v1/audio/voices/{name}"
        return [Route(f"{path}/controls", self.controls), Route(f"{path}/stack", self.stack)]

    async def controls(self, request: Request) -> Response:
        """Return the JSON Schema of each control of a voice that requests can set."""
        from starlette.responses import JSONResponse

        name = self._resolved(request)
        schemas = self._service.controls(name).items()
        return JSONResponse({"voice": name, "controls": {k: v for k, v in schemas if k not in (*OWN, *EXTRAS)}})

    async def stack(self, request: Request) -> Response:
        """Return the blocks of a voice and its networks, in the context that the query names."""
        from starlette.responses import JSONResponse

        name, context = self._resolved(request), request.query_params.get("context")
        try:
            self._service.check_context(context)
        except RequestError as error:
            raise invalid(f"context: {error}", "context", "context_not_found") from error
        found: dict[str, Any] = await asyncio.to_thread(self._service.stack, name, context)
        return JSONResponse(found)

    def _resolved(self, request: Request) -> str:
        try:
            return self._service.resolve(request.path_params["name"])
        except RequestError as error:
            raise ApiError(404, str(error), "voice", "voice_not_found") from error
