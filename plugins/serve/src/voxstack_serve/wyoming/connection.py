"""One connection of a client: its events are read while its requests are answered, one after the other."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager, suppress
from typing import Any

from wyoming.error import Error
from wyoming.event import Event
from wyoming.info import Describe
from wyoming.ping import Ping, Pong
from wyoming.tts import Synthesize, SynthesizeChunk, SynthesizeStart, SynthesizeStop, SynthesizeStopped

from voxstack import CapacityError, RequestError, VoxstackError
from voxstack_serve.backlog import TcpClient
from voxstack_serve.errors import FAULT
from voxstack_serve.request_info import begin_request
from voxstack_serve.service import Service
from voxstack_serve.wyoming.audio import AudioEvents
from voxstack_serve.wyoming.events import ProtocolError, encoded, read_event
from voxstack_serve.wyoming.info import choose_voice, info_of
from voxstack_serve.wyoming.requests import SpeechRequest, TextParts, optional_string, text_of

_LOG = logging.getLogger("voxstack.serve")

MAX_PENDING = 16
"""Requests of a connection that wait for the one before them; further events are not read until it has ended."""


class Connection:
    """The state of one connection.

    A request is synthesized as fast as the client takes its audio, and is cancelled when the client disconnects. Each
    ends with ``audio-stop``, and with ``synthesize-stopped`` if its text was streamed, or with ``error``.
    """

    def __init__(self, service: Service, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._service, self._reader, self._writer = service, reader, writer
        self._client = TcpClient(writer.transport)
        self._requests: asyncio.Queue[SpeechRequest] = asyncio.Queue(MAX_PENDING)
        self._finishing = asyncio.Event()
        self._text: TextParts | None = None  # of the stream that is open
        self._handlers: dict[str, Callable[[Event], Awaitable[None]]] = {
            Describe().event().type: self._describe,
            Ping().event().type: self._ping,
            Synthesize("").event().type: self._synthesize,
            SynthesizeStart().event().type: self._start,
            SynthesizeChunk("").event().type: self._chunk,
            SynthesizeStop().event().type: self._stop,
        }

    async def run(self) -> None:
        """Serve the client until it disconnects, sends what is no event, or :meth:`finish` ends it."""
        tasks = [asyncio.create_task(coroutine) for coroutine in (self._read(), self._answer(), self._finished())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    def finish(self) -> None:
        """End the connection as soon as its requests are answered."""
        self._finishing.set()

    async def _finished(self) -> None:
        await self._finishing.wait()
        await self._requests.join()

    async def _read(self) -> None:
        with suppress(ConnectionError):  # its audio has no other listener
            try:
                while (event := await read_event(self._reader)) is not None:
                    await self._handle(event)
            except ProtocolError as error:
                await self._fail(error)

    async def _handle(self, event: Event) -> None:
        """Handle an event; unknown ones are ignored."""
        handler = self._handlers.get(event.type)
        if handler is None:
            return
        try:
            await handler(event)
        except ConnectionError:
            raise
        except Exception as error:
            await self._fail(error)

    async def _describe(self, event: Event) -> None:
        await self._send(encoded(info_of(self._service).event()))

    async def _ping(self, event: Event) -> None:
        await self._send(encoded(Pong(optional_string(event.data, "text", event.type)).event()))

    async def _synthesize(self, event: Event) -> None:
        """Take a whole text; in a stream it repeats that, for servers that know no streams."""
        if self._text is None:
            await self._requests.put(SpeechRequest.of(event, text_of(event)))

    async def _start(self, event: Event) -> None:
        await self._stop(event)  # a client that forgot it gets its answers in order
        self._text = TextParts()
        try:
            request = SpeechRequest.of(event, self._text)
        except RequestError:
            self._text.close()  # what follows belongs to the request that failed
            raise
        await self._requests.put(request)

    async def _chunk(self, event: Event) -> None:
        """Take a part of a text; a part without text breaks it off."""
        if self._text is None:
            return
        try:
            await self._text.put(text_of(event))
        except RequestError as error:
            self._text.end(error)

    async def _stop(self, event: Event) -> None:
        if self._text is not None:
            self._text.end()
            self._text = None

    async def _answer(self) -> None:
        """Answer the requests in order, until the connection breaks."""
        try:
            while True:
                await self._answer_one(await self._requests.get())
        except ConnectionError as error:
            _LOG.info("a Wyoming client is gone: %s", error)
            self._writer.transport.abort()

    async def _answer_one(self, request: SpeechRequest) -> None:
        try:
            with self._service.tracing.request("wyoming synthesize", {}, begin_request("wyoming", "pcm")):
                await self._speak(request)
        except ConnectionError:
            raise
        except Exception as error:
            await self._fail(error)
        finally:
            request.close()
            self._requests.task_done()

    async def _speak(self, request: SpeechRequest) -> None:
        voice = choose_voice(self._service, request.name, request.language)
        audio = AudioEvents(await self._service.sample_rate(voice))
        controls: dict[str, Any] = {"speaker": request.speaker} if request.speaker is not None else {}
        pace = self._client.pace()
        stream = self._service.stream(voice, request.source(), markup=request.markup, pace=pace, **controls)
        async with aclosing(stream) as chunks:
            async for chunk in chunks:
                for part in audio.of(chunk):
                    async with self._patience():
                        await pace.send(part, audio.seconds, self._write)
        await self._send(audio.stop() + (encoded(SynthesizeStopped().event()) if request.streams else b""))

    async def _fail(self, error: Exception) -> None:
        """Report an error, which ends a request; a fault goes to the log, not to the client."""
        text = str(error)
        if not isinstance(error, (RequestError, CapacityError)):
            _LOG.error("a Wyoming request failed: %s", error, exc_info=error)
        if not isinstance(error, VoxstackError):
            text = FAULT
        await self._send(encoded(Error(text, type(error).__name__).event()))

    async def _send(self, data: bytes) -> None:
        """Send events, and wait until the client has taken most of what was sent.

        :raises ConnectionError: if it is gone, or takes nothing.
        """
        async with self._patience():
            await self._write(data)

    async def _write(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    @asynccontextmanager
    async def _patience(self) -> AsyncGenerator[None, None]:
        """Limit the time in which the client takes what is sent inside.

        :raises ConnectionError: if it is gone, or takes nothing.
        """
        try:
            async with asyncio.timeout(self._service.limits.stall):
                yield
        except TimeoutError:
            raise ConnectionAbortedError(f"it took nothing for {self._service.limits.stall:g} s") from None
