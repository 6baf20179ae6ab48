"""The addresses of the protocol."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from voxstack.errors import RequestError
from voxstack_serve.elevenlabs.connection import Connection
from voxstack_serve.elevenlabs.messages import POLICY_VIOLATION, ProtocolError, error_message
from voxstack_serve.elevenlabs.options import read_options
from voxstack_serve.request_info import describe_request
from voxstack_serve.service import Service

if TYPE_CHECKING:
    from starlette.routing import WebSocketRoute
    from starlette.websockets import WebSocket


def routes(service: Service) -> list[WebSocketRoute]:
    """Return the routes of the protocol: one context for each connection, and many."""
    from starlette.routing import WebSocketRoute

    async def stream_input(websocket: WebSocket) -> None:
        await _serve(websocket, service, single=True)

    async def multi_stream_input(websocket: WebSocket) -> None:
        await _serve(websocket, service, single=False)

    base = "/v1/text-to-speech/{voice}"
    return [
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
            voice = _voice(service, websocket.path_params["voice"])
            await Connection(websocket, service, voice, options, single).run()
        except ProtocolError as error:
            await websocket.send_json(error_message(error.code, str(error)))
            await websocket.close(POLICY_VIOLATION, error.code)


def _voice(service: Service, name: str) -> str:
    try:
        return service.resolve(name)
    except RequestError as error:
        raise ProtocolError("voice_not_found", str(error)) from error
