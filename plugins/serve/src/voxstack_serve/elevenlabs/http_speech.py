"""Speech over HTTP: audio, or lines of JSON with audio and the times of characters."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from voxstack_serve.backlog.protocols import pace_of
from voxstack_serve.disconnection import until_disconnect
from voxstack_serve.elevenlabs.audio import AudioWriter
from voxstack_serve.elevenlabs.details import detail_response
from voxstack_serve.elevenlabs.http_request import HttpRequest, read_http_request
from voxstack_serve.elevenlabs.times import CharacterTimes
from voxstack_serve.encoders.wav import wav_header
from voxstack_serve.errors import api_error
from voxstack_serve.http_messages import body_sender, read_body
from voxstack_serve.request_info import describe_request

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import Message, Receive, Scope, Send

    from voxstack import Chunk
    from voxstack_serve.backlog import Pace
    from voxstack_serve.service import Service

MEDIA_TYPES = {
    "mp3": "audio/mpeg",
    "pcm": "audio/pcm",
    "wav": "audio/wav",
    "opus": "audio/ogg",
    "ulaw": "audio/basic",
    "alaw": "audio/x-alaw-basic",
}
LINES, OBJECT = "application/x-ndjson", "application/json"

LONGEST_PART = 32_768
"""Bytes of audio in a line: pipecat reads lines of up to 128 KiB."""

Part = tuple[bytes, dict[str, Any] | None]


class HttpSpeech:
    """The ASGI application of one address.

    :param streams: whether audio is sent as it is computed, also in formats whose header states a size.
    :param timed: whether the response is JSON, with the times of characters.
    """

    def __init__(self, service: Service, streams: bool = False, timed: bool = False) -> None:
        self._service, self._streams, self._timed = service, streams, timed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        from starlette.requests import ClientDisconnect, Request

        asked, begun = Request(scope, receive), False
        try:
            body = await read_body(asked, self._service.limits.body)
            request = read_http_request(body, asked.query_params, scope["path_params"]["voice"], self._service)
            describe_request("elevenlabs", request.options.codec)
            writer, pace = AudioWriter(request.options), pace_of(scope)
            async with aclosing(self._content(request, writer, pace)) as parts:
                # what is wrong with a text has a status; and all of a WAV is computed here
                first = await until_disconnect(receive, anext(parts, b""))
                begun = True
                await self._response(request, _joined(first, parts))(scope, receive, self._paced(send, writer, pace))
        except (ClientDisconnect, TimeoutError):
            return  # it has gone before its request was complete, or took nothing
        except Exception as error:
            if not begun:
                await detail_response(error)(scope, receive, send)
                return
            api_error(error)  # logs faults; the body is left incomplete, so that the client notices

    def _response(self, request: HttpRequest, parts: AsyncIterator[bytes]) -> Response:
        from starlette.responses import StreamingResponse

        kind = (LINES if self._streams else OBJECT) if self._timed else MEDIA_TYPES[request.options.codec]
        return StreamingResponse(parts, media_type=kind, headers={"cache-control": "no-store"})

    def _paced(self, send: Send, writer: AudioWriter, pace: Pace) -> Send:
        """Return a function that sends at the pace of a client, and gives up one that takes nothing."""
        send_part = body_sender(send)

        async def paced(message: Message) -> None:
            async with asyncio.timeout(self._service.limits.stall):
                if message.get("body"):
                    await pace.send(message["body"], writer.seconds, send_part)
                else:
                    await send(message)

        return paced

    async def _content(self, request: HttpRequest, writer: AudioWriter, pace: Pace) -> AsyncGenerator[bytes, None]:
        """Yield the body in parts, none of which is empty."""
        if not self._streams and request.options.codec == "wav":
            yield await self._whole(request)
            return
        parts = _spoken(self._service, request, writer, pace)
        async with aclosing(parts), aclosing(self._encoded(request, parts)) as found:
            async for part in found:
                yield part

    async def _encoded(self, request: HttpRequest, parts: AsyncIterator[Part]) -> AsyncGenerator[bytes, None]:
        if self._timed and not self._streams:
            async for part in _object(request, parts):
                yield part
            return
        async for audio, times in parts:
            if self._timed:
                yield _line(audio, times)
            elif audio:
                yield audio

    async def _whole(self, request: HttpRequest) -> bytes:
        """Return the body with a WAV, whose sizes are known when it is complete."""
        options, content, times = request.options, bytearray(), CharacterTimes(request.text)
        plain = replace(request, options=replace(options, codec="pcm"))
        async with aclosing(_spoken(self._service, plain, AudioWriter(plain.options), None)) as parts:
            async for audio, found in parts:
                content += audio
                times.extend(found)
        file = wav_header(options.rate, len(content) // 2) + content
        return _line(file, times.content()) if self._timed else file


async def _spoken(
    service: Service, request: HttpRequest, writer: AudioWriter, pace: Pace | None
) -> AsyncGenerator[Part, None]:
    """Yield audio in the format of a request, in parts of limited size, and the times of the characters in it."""
    times = CharacterTimes(request.text)
    stream = service.stream(request.voice, request.text, pace=pace, **request.controls)
    async with aclosing(stream) as chunks:
        async for chunk in chunks:
            found = times.of(chunk)
            audio = await _written(writer, request, chunk)
            for begin in range(0, max(len(audio), 1), LONGEST_PART):
                if (part := audio[begin : begin + LONGEST_PART]) or found:
                    yield part, found
                found = None
    rest, found = writer.finish(), times.rest()
    if rest or found:
        yield rest, found


async def _written(writer: AudioWriter, request: HttpRequest, chunk: Chunk) -> bytes:
    if request.options.codec == "opus":  # which takes so long that other streams would wait
        return await asyncio.to_thread(writer.write, chunk.samples, chunk.sample_rate)
    return writer.write(chunk.samples, chunk.sample_rate)


async def _object(request: HttpRequest, parts: AsyncIterator[Part]) -> AsyncIterator[bytes]:
    """Yield an object like a line, in parts: its audio may be long."""
    begin, rest, times = b'{"audio_base64": "', b"", CharacterTimes(request.text)
    async for audio, found in parts:
        times.extend(found)
        rest += audio
        whole = len(rest) - len(rest) % 3
        yield begin + base64.b64encode(rest[:whole])
        begin, rest = b"", rest[whole:]
    shown = json.dumps(times.content()).encode()
    end = b'", "alignment": ' + shown + b', "normalized_alignment": ' + shown + b"}\n"
    yield begin + base64.b64encode(rest) + end


def _line(audio: bytes, times: dict[str, Any] | None) -> bytes:
    data = base64.b64encode(audio).decode("ascii")
    return json.dumps({"audio_base64": data, "alignment": times, "normalized_alignment": times}).encode() + b"\n"


async def _joined(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for part in rest:
        yield part
