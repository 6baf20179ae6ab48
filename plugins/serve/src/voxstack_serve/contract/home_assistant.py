"""The rules by which Home Assistant uses a Wyoming server, on the client of the protocol as it is."""

from __future__ import annotations

import asyncio
import io
import wave
from collections.abc import AsyncIterable, AsyncIterator, Iterable

from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.client import AsyncTcpClient
from wyoming.error import Error
from wyoming.event import Event
from wyoming.info import Describe, Info, TtsProgram
from wyoming.tts import Synthesize, SynthesizeChunk, SynthesizeStart, SynthesizeStop, SynthesizeStopped, SynthesizeVoice

INFO_TIMEOUT = 5.0


class SpeechError(Exception):
    """An ``error`` event, which is shown to the user, or the loss of the connection."""


class HomeAssistant:
    """A Home Assistant with one text-to-speech server: a connection for each request.

    :param voice: the option of the user; the speaker travels only with it.
    """

    def __init__(
        self, port: int, voice: str | None = None, speaker: str | None = None, host: str = "127.0.0.1"
    ) -> None:
        self.host, self.port = host, port
        self.voice = None if voice is None else SynthesizeVoice(name=voice, speaker=speaker)

    def client(self) -> AsyncTcpClient:
        return AsyncTcpClient(self.host, self.port)

    async def info(self) -> Info:
        async with self.client() as client, asyncio.timeout(INFO_TIMEOUT):
            await client.write_event(Describe().event())
            while not Info.is_type((event := await received(client)).type):
                pass
            return Info.from_event(event)

    async def program(self) -> TtsProgram:
        return next(program for program in (await self.info()).tts if program.installed)

    async def voices(self) -> dict[str, str]:
        """Return the label of each voice in the list that the user sees, by id."""
        voices = (await self.program()).voices
        return {voice.name: voice.description or voice.name for voice in voices if voice.installed and voice.languages}

    async def speak(self, text: str, text_format: str | None = None) -> bytes:
        """Return a WAV of a whole text."""
        async with self.client() as client:
            await client.write_event(Synthesize(text, self.voice, text_format).event())
            return await whole(client)

    async def stream(self, parts: AsyncIterable[str] | Iterable[str], text_format: str | None = None) -> bytes:
        """Return the audio of a text that arrives in parts, in the format of its first ``audio-start``."""
        return b"".join([data async for data in self.chunks(parts, text_format)])

    async def chunks(
        self, parts: AsyncIterable[str] | Iterable[str], text_format: str | None = None
    ) -> AsyncIterator[bytes]:
        async with self.client() as client:
            await client.write_event(SynthesizeStart(self.voice, text_format).event())
            writing = asyncio.create_task(self._write(client, parts))
            try:
                started = False
                while not SynthesizeStopped.is_type((event := await received(client)).type):
                    started = started or AudioStart.is_type(event.type)
                    if AudioChunk.is_type(event.type):
                        assert started, "audio without a format"
                        yield AudioChunk.from_event(event).audio
            finally:
                writing.cancel()

    async def _write(self, client: AsyncTcpClient, parts: AsyncIterable[str] | Iterable[str]) -> None:
        text = ""
        async for part in _async(parts):
            text += part
            await client.write_event(SynthesizeChunk(part).event())
        await client.write_event(Synthesize(text, self.voice).event())  # for servers that know no streams
        await client.write_event(SynthesizeStop().event())


async def _async(parts: AsyncIterable[str] | Iterable[str]) -> AsyncIterator[str]:
    if isinstance(parts, AsyncIterable):
        async for part in parts:
            yield part
    else:
        for part in parts:
            yield part


async def received(client: AsyncTcpClient) -> Event:
    """Return the next event.

    :raises SpeechError: for an ``error``, or the end of the connection.
    """
    event = await client.read_event()
    if event is None:
        raise SpeechError("connection lost")
    if Error.is_type(event.type):
        error = Error.from_event(event)
        raise SpeechError(f"{error.code}: {error.text}")
    return event


async def whole(client: AsyncTcpClient) -> bytes:
    """Return the audio up to ``audio-stop`` as a WAV."""
    audio, start = b"", None
    while not AudioStop.is_type((event := await received(client)).type):
        if AudioStart.is_type(event.type):
            start = AudioStart.from_event(event)
        elif AudioChunk.is_type(event.type):
            audio += AudioChunk.from_event(event).audio
    assert start is not None, "audio without a format"
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setparams((start.channels, start.width, start.rate, 0, "NONE", ""))
        file.writeframes(audio)
    return buffer.getvalue()
