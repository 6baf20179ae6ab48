"""The HTTP application of a service."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from voxstack_serve.errors import ApiError, handle_error
from voxstack_serve.http_messages import json_response
from voxstack_serve.page import Page, accepts_page

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from voxstack_serve.service import Service

MODELS = ("voxstack", "gpt-4o-mini-tts", "tts-1", "tts-1-hd")
"""Names of models that clients choose from. All are equal, and any other is accepted, too: a voice is a model."""


def build_app(service: Service, keys: Iterable[str] = (), routes: Sequence[BaseRoute] = ()) -> Starlette:
    """Return the application that serves a service.

    :param keys: of which each request carries one; empty: all requests are accepted.
    :param routes: of other protocols, behind the same keys.
    """
    from starlette.applications import Starlette
    from starlette.exceptions import HTTPException
    from starlette.middleware import Middleware
    from starlette.routing import Route

    from voxstack_serve.access import Access
    from voxstack_serve.openai_speech import SpeechEndpoint
    from voxstack_serve.page import PREFIX
    from voxstack_serve.voice_pages import voice_routes

    pages, keys = Pages(service), tuple(keys)
    own = [
        Route("/v1/audio/speech", SpeechEndpoint(service), methods=["POST"]),
        Route("/v1/audio/voices", pages.voices),
        *voice_routes(service, managed=bool(keys)),
        Route("/v1/models", pages.models),
        Route("/v1/models/{name}", pages.model),
        *(Route(path, pages.index) for path in ("/", "/v1", "/v1/")),
        Route(f"{PREFIX}{{name}}", pages.page.asset),
        Route("/health", pages.health),
        Route("/ready", pages.ready),
        Route("/metrics", pages.metrics),
    ]
    return Starlette(
        routes=[*own, *routes],
        middleware=[Middleware(Access, keys=keys, responses=service.metrics.responses, tracing=service.tracing)],
        exception_handlers={HTTPException: handle_error, ApiError: handle_error},
    )


class Pages:
    """The pages of a service that are read."""

    def __init__(self, service: Service) -> None:
        self._service, self.page = service, Page()

    async def index(self, request: Request) -> Response:
        """Return the page for browsers, and where to go on for others, which open a connection by this request."""
        if request.url.path == "/" and accepts_page(request):
            return self.page.index(request)
        found = json_response({"object": "service", "name": "voxstack", "speech": "/v1/audio/speech"})
        found.headers["vary"] = "accept"
        return found

    async def voices(self, request: Request) -> Response:
        """Return the voices on offer now, and the contexts that requests may name."""
        voices = [{**voice._asdict(), "object": "voice"} for voice in self._service.voices()]
        return json_response({"voices": voices, "contexts": self._service.contexts})

    async def models(self, request: Request) -> Response:
        """Return the names of models; to clients of ElevenLabs, which send their own header, as they read them."""
        from voxstack_serve.elevenlabs.details import is_of_protocol
        from voxstack_serve.elevenlabs.pages import models

        if is_of_protocol(request.scope):
            return json_response(models(self._service))
        return json_response({"object": "list", "data": [_model(name) for name in MODELS]})

    async def model(self, request: Request) -> Response:
        """Return one model."""
        name = request.path_params["name"]
        if name not in MODELS:
            raise ApiError(404, f"there is no model {name!r}; GET /v1/models lists them", "model", "model_not_found")
        return json_response(_model(name))

    async def health(self, request: Request) -> Response:
        """Return that the process answers."""
        return json_response({"status": "ok"})

    async def ready(self, request: Request) -> Response:
        """Return whether the service is ready for requests."""
        voices = [voice.id for voice in self._service.voices()]
        self._service.readiness.check(voices)
        return json_response({"status": "ready", "voices": voices})

    async def metrics(self, request: Request) -> Response:
        """Return the figures of the service."""
        from starlette.responses import Response

        content, media_type = self._service.figures(request.headers.get("accept", ""))
        return Response(content, headers={"content-type": media_type})


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "voxstack"}
