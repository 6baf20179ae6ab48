"""The addresses of the protocol: WebSockets, and requests over HTTP."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from voxstack_serve.elevenlabs.connection import Connection
from voxstack_serve.elevenlabs.http_request import resolve
from voxstack_serve.elevenlabs.messages import POLICY_VIOLATION, ProtocolError, error_message
from voxstack_serve.elevenlabs.options import read_options
from voxstack_serve.request_info import describe_request
from voxstack_serve.service import Service

if TYPE_CHECKING:
    from starlette.routing import BaseRoute
    from starlette.websockets import WebSocket


def routes(service: Service) -> list[BaseRoute]:
    """Return the routes of the protocol: WebSockets, requests for speech, and lists of voices."""
    from starlette.routing import Route, WebSocketRoute

    from voxstack_serve.elevenlabs.http_speech import HttpSpeech
    from voxstack_serve.elevenlabs.pages import VoicePages

    async def stream_input(websocket: WebSocket) -> None:
        await _serve(websocket, service, single=True)

    async def multi_stream_input(websocket: WebSocket) -> None:
        await _serve(websocket, service, single=False)

    base, pages = "/v1/text-to-speech/{voice}", VoicePages(service)
    return [
        Route(base, HttpSpeech(service), methods=["POST"]),
        Route(f"{base}/stream", HttpSpeech(service, streams=True), methods=["POST"]),
        Route(f"{base}/with-timestamps", HttpSpeech(service, timed=True), methods=["POST"]),
        Route(f"{base}/stream/with-timestamps", HttpSpeech(service, streams=True, timed=True), methods=["POST"]),
        Route("/v1/voices", pages.voices),
        Route("/v2/voices", pages.search),
        Route("/v1/voices/{voice}", pages.voice),
        WebSocketRoute(f"{base}/stream-input", stream_input),
        WebSocketRoute(f"{base}/multi-stream-input", multi_stream_input),
    ]


async def _serve(websocket: WebSocket, service: Service, single: bool) -> None:
    """Serve a client; an error of the whole connection is a message, then its end."""
    from starlette.websockets import WebSocketDisconnect

    await websocket.accept()
    with suppress(WebSocketDisconnect):
        try:
            options = read_options(websocket.query_params)
            describe_request("elevenlabs", options.codec)
            voice = resolve(service, websocket.path_params["voice"])
            await Connection(websocket, service, voice, options, single).run()
        except ProtocolError as error:
            await websocket.send_json(error_message(error.code, str(error)))
            await websocket.close(POLICY_VIOLATION, error.code)
