"""``POST /v1/audio/speech``: a stream of speech as one response."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, Any

from voxstack_serve.audio import Usage, encoded, media_type
from voxstack_serve.backlog.protocols import pace_of
from voxstack_serve.disconnection import until_disconnect
from voxstack_serve.errors import api_error, error_response
from voxstack_serve.http_messages import body_sender, read_body
from voxstack_serve.request_info import describe_request
from voxstack_serve.speech_events import event, event_parts
from voxstack_serve.speech_request import SpeechRequest, read_request
from voxstack_serve.validator import Tagged, Validators, check_match

_LOG = logging.getLogger("voxstack.serve")

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from voxstack_serve.backlog import Pace
    from voxstack_serve.service import Service


class SpeechEndpoint:
    """The ASGI application that synthesizes what a request contains."""

    def __init__(self, service: Service) -> None:
        self._service, self._validators = service, Validators(service)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        from starlette.requests import ClientDisconnect, Request

        try:
            received = Request(scope, receive)
            request = read_request(await read_body(received, self._service.limits.body), self._service)
            describe_request("openai", request.format)
            self._service.check_capacity(request.voice, request.context)
            tagged = await self._validators.tagged(request)
            check_match(tagged.tag, received.headers.get("if-match"), request.start_byte)
        except ClientDisconnect:
            return
        except Exception as error:
            await error_response(error)(scope, receive, send)
            return
        with suppress(ClientDisconnect):
            await until_disconnect(receive, self._respond(request, tagged, scope, receive, send))

    async def _respond(
        self, request: SpeechRequest, tagged: Tagged, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Send the response, or an error as long as nothing has been sent.

        A body without events that fails after that is left incomplete, so that the client notices.
        """
        begun, usage, pace, send_part = False, Usage.of(request), pace_of(scope), body_sender(send)
        async with aclosing(_parts(self._service, request, tagged, usage, pace)) as parts:
            try:
                async for part in parts:
                    if not begun:
                        await self._validators.check_unchanged(tagged, request)
                        begun = True
                        await send(_start(request, tagged.tag, part))
                    async with asyncio.timeout(self._service.limits.stall):
                        await pace.send(part, usage.seconds, send_part)
                if not begun:
                    await send(_start(request, tagged.tag, b""))
            except TimeoutError:
                _LOG.warning("a stream ends: its client has taken over nothing for %s s", self._service.limits.stall)
                return
            except Exception as error:
                if not begun:
                    await error_response(error)(scope, receive, send)
                    return
                found = api_error(error)
                if not request.events:
                    return
                await send_part(event(found.envelope()))
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def _start(request: SpeechRequest, tag: str | None, first: bytes) -> dict[str, Any]:
    kind = "text/event-stream" if request.events else media_type(request)
    headers = [(b"content-type", kind.encode()), (b"cache-control", b"no-store")]
    if tag is not None:
        headers.append((b"etag", tag.encode()))
    if request.complete and not request.events:  # the first part is all of it
        headers.append((b"content-length", str(len(first)).encode()))
    return {"type": "http.response.start", "status": 200, "headers": headers}


async def _parts(
    service: Service, request: SpeechRequest, tagged: Tagged, usage: Usage, pace: Pace
) -> AsyncGenerator[bytes, None]:
    """Yield the parts of the body: none for a client that has all of it."""
    audio = encoded(service, request, usage, tagged.sample_rate, tagged.number, pace)
    async with aclosing(event_parts(audio, request, usage) if request.events else audio) as parts:
        async for part in parts:
            yield part
