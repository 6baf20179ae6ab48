"""One context: text that arrives in parts, synthesized in order as one voice."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Any

from voxstack import Chunk
from voxstack.errors import RequestError, VoxstackError
from voxstack_serve.backlog import Pace
from voxstack_serve.elevenlabs.alignment import Aligner
from voxstack_serve.elevenlabs.audio import AudioWriter
from voxstack_serve.elevenlabs.messages import (
    LONGEST_TEXT,
    MOST_SEGMENTS,
    ClientMessage,
    ProtocolError,
    audio_message,
    error_code,
    error_message,
    final_message,
)
from voxstack_serve.elevenlabs.options import Options
from voxstack_serve.elevenlabs.segment import Segment
from voxstack_serve.errors import FAULT
from voxstack_serve.limits import Place
from voxstack_serve.service import Service

_LOG = logging.getLogger("voxstack.serve")

Send = Callable[[dict[str, Any]], Awaitable[None]]


class Context:
    """A context that synthesizes its segments one after another, and ends with a final message.

    :param controls: of the voice, for all segments.
    :param send: sends a message of this context to the client; returns when there is room for the next.
    :param after: the end of the context before it of the same name.
    :param pace: of its client; by default as fast as the connection takes the audio.
    """

    def __init__(
        self,
        service: Service,
        voice: str,
        options: Options,
        controls: dict[str, Any],
        send: Send,
        after: asyncio.Task[None] | None = None,
        pace: Pace | None = None,
    ) -> None:
        self._service, self._voice, self._options, self._controls = service, voice, options, controls
        self._send, self._after, self._pace = send, after, pace or Pace()
        self._aligner = Aligner(options.absolute)
        self._writer = AudioWriter(options)
        self._segments: deque[Segment] = deque([self._segment()])
        self._flushed = False  # by the last message
        self._closed = False  # by the client
        self.failed = False
        self._speaking = asyncio.create_task(self._speak())
        self.task = asyncio.create_task(self._run())

    @property
    def ended(self) -> bool:
        """True if it takes no more text: it was closed, or has waited for text too long."""
        return self._segments[-1].ended

    def receive(self, message: ClientMessage) -> None:
        """Take a message of the client.

        :raises ProtocolError: if more text waits than may.
        """
        text = message.text or ""
        open_segment = self._segments[-1]
        if not open_segment.text and not open_segment.waiting:
            text = text.lstrip()  # blanks open a context, or keep it open
        self._check_room(len(text))
        open_segment.add(text) if text else open_segment.touch()
        if text or message.flush:
            self._flushed = message.flush
        if message.flush or (text.strip() and self._options.whole_messages):
            self._flush()

    def _check_room(self, length: int) -> None:
        waiting = length + sum(segment.waiting for segment in self._segments)
        if waiting > LONGEST_TEXT or len(self._segments) > MOST_SEGMENTS:
            self.stop()
            problem = f"more text waits in this context than {LONGEST_TEXT} characters or {MOST_SEGMENTS} flushed texts"
            raise ProtocolError("text_too_long", f"{problem}; send text as it is spoken")

    def close(self) -> None:
        """Synthesize no more than was flushed by the last message; closed a second time, stop within a chunk.

        Clients close a context as soon as they have flushed its last text, and to interrupt it.
        """
        if self._closed or not self._flushed:
            self.stop()
        self._closed = True
        self.finish()

    def stop(self) -> None:
        """Stop within a chunk."""
        self._speaking.cancel()
        self.finish()

    async def abandon(self) -> None:
        """Stop without a final message: the connection has ended."""
        self.task.cancel()
        self._speaking.cancel()
        await asyncio.gather(self.task, self._speaking, return_exceptions=True)

    def finish(self) -> None:
        """Take no more text, and end with all that was received."""
        self._segments[-1].end()

    def _flush(self) -> None:
        segment = self._segments[-1]
        if segment.text or segment.waiting:
            segment.end()
            self._segments.append(self._segment())

    def _segment(self) -> Segment:
        return Segment(self._options.marked, self._options.patience)

    async def _run(self) -> None:
        """Wait for the speech, however it ends, and send the final message."""
        await asyncio.wait({self._speaking})
        if not self._speaking.cancelled() and (error := self._speaking.exception()) is not None:
            self.failed = True
            await self._send(_error_message(error))
        await self._send(final_message())

    async def _speak(self) -> None:
        if self._after is not None:
            await asyncio.wait({self._after})
        with self._service.limits.place() as place:
            while True:
                segment = self._segments[0]
                if await segment.has_text():
                    await self._speak_segment(segment, place)
                if segment is self._segments[-1]:  # ended, as no flush is: the context ends
                    break
                self._segments.popleft()
        if tail := self._writer.finish():
            await self._send(audio_message(tail, None))

    async def _speak_segment(self, segment: Segment, place: Place) -> None:
        writer = self._writer
        self._aligner.begin(segment, writer.seconds)
        begin = writer.seconds
        try:
            async with aclosing(await self._stream(segment, place)) as chunks:
                async for chunk in chunks:
                    audio = writer.write(chunk.samples, chunk.sample_rate)
                    alignment = self._aligner.chunk(chunk.events, writer.seconds)
                    if audio or alignment:
                        await self._send_audio(audio_message(audio, alignment))
        except RequestError:
            if writer.seconds > begin or segment.waiting or any(map(str.isalnum, segment.text)):
                raise  # else the text is of signs that the voice does not pronounce
        if alignment := self._aligner.end(writer.seconds):
            await self._send(audio_message(b"", alignment))

    async def _stream(self, segment: Segment, place: Place) -> AsyncGenerator[Chunk, None]:
        options = {"pace": self._pace, "place": place, **self._controls}
        if not self._options.marked:
            return self._service.stream(self._voice, segment, **options)
        return self._service.stream(self._voice, await segment.document(), markup="ssml", **options)

    async def _send_audio(self, message: dict[str, Any]) -> None:
        """Send audio when the client has room for it.

        :raises RequestError: if it reads nothing for too long.
        """
        stall, is_first = self._service.limits.stall, self._pace.sent == 0
        try:
            async with asyncio.timeout(stall):
                await self._pace.room(self._writer.seconds)
                await self._send(message)
        except TimeoutError:
            raise RequestError(f"the client has read nothing for {stall:g} s; open another context to go on") from None
        self._pace.count(self._writer.seconds)
        if is_first:
            await self._pace.settle()


def _error_message(error: BaseException) -> dict[str, Any]:
    if isinstance(error, VoxstackError):
        return error_message(error_code(error), str(error))
    _LOG.error("a context failed", exc_info=error)
    return error_message("internal_error", FAULT)
