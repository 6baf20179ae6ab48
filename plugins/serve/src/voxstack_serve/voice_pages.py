"""Pages of one voice: its controls, its state, its stack, and what loads and unloads it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from voxstack import RequestError
from voxstack_serve.errors import ApiError
from voxstack_serve.http_messages import json_response
from voxstack_serve.speech_request import EXTRAS, OWN, requested_context

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    from voxstack_serve.service import Service
    from voxstack_serve.voice_loading import VoiceState

PATH = "/v1/audio/voices/{voice}"


def voice_routes(service: Service, managed: bool) -> list[Route]:
    """Return the routes of the pages.

    :param managed: whether clients may load and unload voices.
    """
    from starlette.routing import Route

    pages = VoicePages(service, managed)
    return [
        Route(PATH, pages.voice),
        Route(f"{PATH}/controls", pages.controls),
        Route(f"{PATH}/stack", pages.stack),
        Route(f"{PATH}/load", pages.load, methods=["POST"]),
        Route(f"{PATH}/unload", pages.unload, methods=["POST"]),
    ]


class VoicePages:
    """The pages about one voice."""

    def __init__(self, service: Service, managed: bool) -> None:
        self._service, self._managed = service, managed

    async def voice(self, request: Request) -> Response:
        """Return a voice and its state."""
        voice = self._voice(request)
        return self._answer(voice, self._service.manager.state(voice))

    async def controls(self, request: Request) -> Response:
        """Return the JSON Schema of each control of a voice that requests can set."""
        voice = self._voice(request)
        schemas = self._service.controls(voice).items()
        return json_response({"voice": voice, "controls": {k: v for k, v in schemas if k not in (*OWN, *EXTRAS)}})

    async def stack(self, request: Request) -> Response:
        """Return the blocks of a voice and its networks, in the context that the query names."""
        voice = self._voice(request)
        context = requested_context(request.query_params.get("context"), self._service)
        return json_response(await asyncio.to_thread(self._service.stack, voice, context))

    async def load(self, request: Request) -> Response:
        """Load a voice; answer when it is warm."""
        voice = self._managed_voice(request)
        state = await self._service.manager.load(voice)
        self._service.manager.announce("load", voice)
        return self._answer(voice, state)

    async def unload(self, request: Request) -> Response:
        """Unload a voice, which the next request for it loads again."""
        voice = self._managed_voice(request)
        state = await self._service.manager.unload(voice)
        self._service.manager.announce("unload", voice)
        return self._answer(voice, state)

    def _managed_voice(self, request: Request) -> str:
        if not self._managed:
            message = "voices are loaded and unloaded by clients with a key; start the service with --api-key KEY"
            raise ApiError(403, message, code="keys_required")
        return self._voice(request)

    def _voice(self, request: Request) -> str:
        try:
            return self._service.resolve(request.path_params["voice"])
        except RequestError as error:
            raise ApiError(404, str(error), "voice", "voice_not_found") from error

    def _answer(self, voice: str, state: VoiceState) -> Response:
        return json_response({**self._service.info(voice)._asdict(), "object": "voice", "state": state._asdict()})
