"""Clients of speech services in a process of their own, and what each of them hears.

The process reads a line of JSON for each crowd of clients that are to request speech at once, and answers with a line:
a :class:`Heard` for each client. Times are those at which bytes arrive there, from the moment when a client sends its
request, which is when all are connected.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import h11

WAV_HEADER = 44
"""Bytes of the header of a WAV file; its sample rate is at byte 24."""

BLOCK = 2**16


@dataclass
class Heard:
    """What one client hears: playback starts with the first audio, and stops while the next is late.

    :param status: 200, or why there is no audio: 503 for a refusal, 0 for a connection that broke.
    :param first: seconds from the request to the first byte of audio.
    :param whole: seconds to the end of the response, or to that of a refusal.
    :param audio: seconds of audio.
    :param late: chunks that came after all before them had been played.
    :param silence: seconds of the longest wait for a late chunk.
    """

    status: int = 0
    first: float = float("nan")
    whole: float = float("nan")
    audio: float = 0.0
    late: int = 0
    silence: float = 0.0


class Listener:
    """The account of a client, from its request on."""

    def __init__(self, rate: int = 0, header: int = 0) -> None:
        self.heard = Heard(200)
        self.rate, self._header, self._left = rate, b"", header
        self._began = time.perf_counter()
        self._played = 0.0  # when all that has arrived is played

    def arrive(self, data: bytes) -> None:
        """Take bytes of 16-bit samples, after those of a header."""
        if self._left:
            head, data = data[: self._left], data[self._left :]
            self._header, self._left = self._header + head, self._left - len(head)
            if not self._left:
                self.rate = int.from_bytes(self._header[24:28], "little")
        if data:
            self._hear(len(data) / 2 / self.rate, time.perf_counter() - self._began)

    def _hear(self, seconds: float, now: float) -> None:
        if not self.heard.audio:
            self.heard.first = self._played = now
        elif now > self._played:
            self.heard.late += 1
            self.heard.silence = max(self.heard.silence, now - self._played)
        self._played = max(self._played, now) + seconds
        self.heard.audio += seconds

    def end(self, status: int = 200) -> Heard:
        """Return the account at the end of the response."""
        self.heard.status, self.heard.whole = status, time.perf_counter() - self._began
        return self.heard


async def over_http(start: asyncio.Barrier, port: int, path: str, body: Mapping[str, Any]) -> Heard:
    """Request a WAV file by a POST over a connection of its own."""
    content, status, connection = json.dumps(body).encode(), 0, h11.Connection(h11.CLIENT)
    headers = {"host": "127.0.0.1", "content-type": "application/json", "content-length": str(len(content))}
    request = h11.Request(method="POST", target=path, headers=list(headers.items()))
    sent = b"".join(connection.send(event) or b"" for event in (request, h11.Data(data=content), h11.EndOfMessage()))
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    await start.wait()
    listener = Listener(header=WAV_HEADER)
    writer.write(sent)
    try:
        async for event in _events(connection, reader):
            if isinstance(event, h11.Response):
                status = event.status_code
            elif isinstance(event, h11.Data) and status == 200:
                listener.arrive(bytes(event.data))
    except (OSError, h11.RemoteProtocolError):  # the server has ended the connection
        status = 0
    heard = listener.end(status)
    writer.close()
    return heard


async def _events(connection: h11.Connection, reader: asyncio.StreamReader) -> AsyncIterator[Any]:
    """Yield the events of a response up to its end."""
    while not isinstance(event := connection.next_event(), h11.EndOfMessage):
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(BLOCK))
        else:
            yield event


async def over_wyoming(start: asyncio.Barrier, port: int, text: str, voice: str) -> Heard:
    """Request a whole text over Wyoming, over a connection of its own."""
    from wyoming.audio import AudioChunk, AudioStart, AudioStop
    from wyoming.client import AsyncTcpClient
    from wyoming.error import Error
    from wyoming.tts import Synthesize, SynthesizeVoice

    async with AsyncTcpClient("127.0.0.1", port) as client:
        await start.wait()
        listener = Listener()
        await client.write_event(Synthesize(text, SynthesizeVoice(voice) if voice else None).event())
        while (event := await client.read_event()) is not None and not AudioStop.is_type(event.type):
            if Error.is_type(event.type):
                return listener.end(503)
            if AudioStart.is_type(event.type):
                listener.rate = AudioStart.from_event(event).rate
            elif AudioChunk.is_type(event.type):
                listener.arrive(AudioChunk.from_event(event).audio)
        return listener.end()


async def over_elevenlabs(start: asyncio.Barrier, port: int, text: str, voice: str) -> Heard:
    """Request a text by one message and its flush, over a WebSocket of its own."""
    from websockets.asyncio.client import connect

    address = f"ws://127.0.0.1:{port}/v1/text-to-speech/{voice}/multi-stream-input?output_format=pcm_24000"
    async with connect(address, compression=None) as socket:
        await start.wait()
        listener = Listener(24_000)
        await socket.send(json.dumps({"text": text, "context_id": "a", "flush": True}))
        await socket.send(json.dumps({"context_id": "a", "close_context": True}))
        async for message in socket:
            found = json.loads(message)
            if found.get("error"):
                return listener.end(503)
            if found.get("isFinal"):
                break
            listener.arrive(base64.b64decode(found.get("audio") or ""))
        return listener.end()


PROTOCOLS: dict[str, Callable[..., Any]] = {
    "http": lambda start, port, text, voice: over_http(
        start, port, "/v1/audio/speech", {"model": "m", "voice": voice, "input": text, "response_format": "wav"}
    ),
    "piper": lambda start, port, text, voice: over_http(start, port, "/synthesize", {"text": text}),
    "wyoming": over_wyoming,
    "elevenlabs": over_elevenlabs,
}
"""How a text is requested."""


class Clients:
    """A process of clients; see :func:`clients`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def at_once(self, protocol: str, port: int, text: str, voice: str = "", count: int = 1) -> list[Heard]:
        """Return what as many clients hear that request a text at once."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps([protocol, port, text, voice, count]), file=self._process.stdin, flush=True)
        return [Heard(**row) for row in json.loads(self._process.stdout.readline())]


@contextmanager
def clients() -> Iterator[Clients]:
    """Provide a process of clients while the block inside runs."""
    with subprocess.Popen(
        [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as found:
        try:
            yield Clients(found)
        finally:
            found.terminate()


async def _crowd(protocol: str, port: int, text: str, voice: str, count: int) -> list[Heard]:
    start = asyncio.Barrier(count)
    return await asyncio.gather(*[PROTOCOLS[protocol](start, port, text, voice) for _ in range(count)])


def main() -> None:
    """Answer each line of the standard input."""
    with contextlib.suppress(KeyboardInterrupt):
        for line in sys.stdin:
            rows = asyncio.run(_crowd(*json.loads(line)))
            print(json.dumps([asdict(row) for row in rows]), flush=True)


if __name__ == "__main__":
    main()
