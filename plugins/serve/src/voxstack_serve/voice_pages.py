"""Pages of one voice: its state, and what loads and unloads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxstack import RequestError
from voxstack_serve.errors import ApiError

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    from voxstack_serve.manager import VoiceState
    from voxstack_serve.service import Service

PATH = "/v1/audio/voices/{voice}"


def voice_routes(service: Service, managed: bool) -> list[Route]:
    """Return the routes of the pages.

    :param managed: whether clients may load and unload voices.
    """
    from starlette.routing import Route

    pages = VoicePages(service, managed)
    return [
        Route(PATH, pages.voice),
        Route(f"{PATH}/load", pages.load, methods=["POST"]),
        Route(f"{PATH}/unload", pages.unload, methods=["POST"]),
    ]


class VoicePages:
    """The pages, each of which answers with the voice and its state."""

    def __init__(self, service: Service, managed: bool) -> None:
        self._service, self._managed = service, managed

    async def voice(self, request: Request) -> Response:
        """Return a voice and its state."""
        voice = self._voice(request)
        return self._answer(voice, self._service.manager.state(voice))

    async def load(self, request: Request) -> Response:
        """Load a voice; answer when it is warm."""
        voice = self._managed_voice(request)
        return self._answer(voice, await self._service.manager.load(voice))

    async def unload(self, request: Request) -> Response:
        """Unload a voice, which the next request for it loads again."""
        voice = self._managed_voice(request)
        return self._answer(voice, await self._service.manager.unload(voice))

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
        from starlette.responses import JSONResponse

        info = next((found for found in self._service.voices() if found.id == voice), None)
        about = info._asdict() if info is not None else {"id": voice}
        return JSONResponse({**about, "object": "voice", "state": state._asdict()})
