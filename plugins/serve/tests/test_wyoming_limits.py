"""The Wyoming server with clients that stall, vanish, and send anything."""

from __future__ import annotations

import asyncio
import json
import re
import socket
from collections.abc import AsyncGenerator, Callable, Iterator
from typing import Any

import pytest
from wyoming.client import AsyncTcpClient
from wyoming.event import Event, async_read_event
from wyoming.info import Describe, Info, SelectProgram
from wyoming.ping import Ping, Pong
from wyoming.tts import Synthesize, SynthesizeChunk, SynthesizeStart, SynthesizeStop, SynthesizeVoice

import voxstack
from voxstack import Chunk, RequestError, Voices
from voxstack_serve import Service
from voxstack_serve.backlog import pace
from voxstack_serve.contract.home_assistant import HomeAssistant, SpeechError, received, whole
from voxstack_serve.limits import Limits
from voxstack_serve.wyoming import WyomingServer, events, requests, server
from voxstack_serve.wyoming.requests import TextParts

LONG = "The kitchen light is on, and the door is closed. " * 40  # some minutes


class Watched(Service):
    """A service that counts its streams, and the samples that were pulled from them."""

    samples = started = ended = 0

    async def stream(self, *args: Any, **options: Any) -> AsyncGenerator[Chunk, None]:
        self.started += 1
        try:
            async for chunk in super().stream(*args, **options):
                self.samples += len(chunk.samples)
                yield chunk
        finally:
            self.ended += 1


@pytest.fixture(scope="module")
def voices() -> Voices:
    return Voices(warm=["amber"])


@pytest.fixture
def service(voices: Voices) -> Watched:
    return Watched(voices, ["amber"])


@pytest.fixture(autouse=True)
def no_connection_fails(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    assert "a Wyoming connection failed" not in [record.message for record in caplog.get_records("call")]


@pytest.fixture(scope="module")
def long_speech() -> voxstack.Speech:
    return voxstack.load("amber").synthesize(LONG)


def served(service: Service, **options: Any) -> WyomingServer:
    return WyomingServer(service, port=0, **options)


def run(main: Any) -> Any:
    return asyncio.run(asyncio.wait_for(main, 20))


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.01)


async def stalled(port: int, text: str = LONG) -> AsyncTcpClient:
    """Return a client that has requested a text, and takes nothing of it but what its system does."""
    connected = socket.socket()
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**14)
    connected.connect(("127.0.0.1", port))
    client = AsyncTcpClient("127.0.0.1", port)
    client._reader, client._writer = await asyncio.open_connection(sock=connected, limit=2**14)
    await client.write_event(Synthesize(text).event())
    return client


async def at_rest(service: Watched) -> int:
    """Return the number of samples once no more of them are pulled."""
    before = -1
    while service.samples == 0 or service.samples != before:
        before = service.samples
        await asyncio.sleep(0.3)
    return before


def test_a_client_that_reads_nothing_stops_the_synthesis(service: Watched, long_speech: voxstack.Speech) -> None:
    async def main() -> bytes:
        async with served(service) as server:
            client = await stalled(server.port)
            assert await at_rest(service) < len(long_speech.samples) / 2
            assert await HomeAssistant(server.port).speak("Yes.")  # others are served
            wav = await whole(client)  # it reads again, and misses nothing
            await client.disconnect()
            return wav

    assert run(main()) == long_speech.wav()


def test_a_client_that_takes_nothing_for_long_is_disconnected(voices: Voices, long_speech: voxstack.Speech) -> None:
    service = Watched(voices, ["amber"], limits=Limits(stall=0.1))

    async def main() -> None:
        async with served(service) as server:
            client = await stalled(server.port)
            await until(lambda: service.ended == 1)
            with pytest.raises((ConnectionError, EOFError, SpeechError)):
                await whole(client)
            await client.disconnect()

    run(main())
    assert service.samples < len(long_speech.samples)
    assert voices.status()[0].users == 0


def test_a_disconnect_cancels_the_synthesis(service: Watched, voices: Voices, long_speech: voxstack.Speech) -> None:
    async def main() -> None:
        async with served(service) as server:
            async with HomeAssistant(server.port).client() as client:
                await client.write_event(Synthesize(LONG).event())
                await client.write_event(Synthesize(LONG).event())  # is never begun
                await received(client)
            await until(lambda: service.ended == 1)
            await until(lambda: not server._tasks)

    run(main())
    assert service.started == 1
    assert service.samples < len(long_speech.samples) / 2
    assert voices.status()[0].users == 0


def test_a_disconnect_cancels_a_stream_that_waits_for_text(service: Watched, voices: Voices) -> None:
    async def main() -> None:
        async with served(service) as server:
            async with HomeAssistant(server.port).client() as client:
                await client.write_event(SynthesizeStart().event())
                await client.write_event(SynthesizeChunk("Hello there, my friend. The kitchen").event())
                await received(client)
            await until(lambda: service.ended == 1)

    run(main())
    assert voices.status()[0].users == 0


def test_stopping_the_server_disconnects_clients(service: Watched, voices: Voices) -> None:
    async def main() -> None:
        async with served(service) as server:
            clients = [await stalled(server.port), HomeAssistant(server.port).client()]
            await clients[1].connect()
            await clients[1].write_event(SynthesizeStart().event())
            await until(lambda: service.started == 2)
        assert service.ended == 2
        for client in clients:
            with pytest.raises((ConnectionError, EOFError, SpeechError)):
                await whole(client)
            await client.disconnect()

    run(main())
    assert voices.status()[0].users == 0


def test_a_server_that_stops_completes_requests_for_some_time(service: Watched, long_speech: voxstack.Speech) -> None:
    async def main() -> bytes:
        server = served(service, grace=30.0)
        await server.start()
        client, idle = HomeAssistant(server.port).client(), HomeAssistant(server.port).client()
        await idle.connect()
        await client.connect()
        await client.write_event(Synthesize(LONG).event())
        await until(lambda: service.started == 1)
        stopping = asyncio.create_task(server.stop())
        assert await idle.read_event() is None
        with pytest.raises(ConnectionError):
            await HomeAssistant(server.port).info()
        wav = await whole(client)
        assert await client.read_event() is None
        await stopping
        for each in (client, idle):
            await each.disconnect()
        return wav

    assert run(main()) == long_speech.wav()


def test_what_was_sent_still_arrives_when_the_server_stops(service: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "SEND_BUFFER", 2**12)  # the rest of the text waits in the event loop
    monkeypatch.setattr(pace, "LEAST", 20.0)  # and not in the stream
    text = "The kitchen light is on, and the door."

    async def main() -> bytes:
        running = served(service, grace=30.0)
        await running.start()
        client = await stalled(running.port, text)
        await until(lambda: service.ended == 1)
        stopping = asyncio.create_task(running.stop())
        await asyncio.sleep(0.05)  # the connection is being closed
        wav = await whole(client)
        assert await client.read_event() is None
        await stopping
        await client.disconnect()
        return wav

    assert run(main()) == voxstack.load("amber").synthesize(text).wav()


def test_text_that_stays_out_is_an_error(service: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "TEXT_TIMEOUT", 0.05)

    async def main() -> None:
        async with served(service) as server, HomeAssistant(server.port).client() as client:
            await client.write_event(SynthesizeStart().event())
            with pytest.raises(
                SpeechError, match=r"RequestError: no text came for 0.05 s; end it with synthesize-stop"
            ):
                await received(client)

    run(main())


def test_a_part_that_is_no_text_breaks_a_stream_off_after_its_sentences(service: Watched) -> None:
    audio = []

    async def hear(client: AsyncTcpClient) -> None:
        while True:
            audio.append((await received(client)).payload or b"")

    async def main() -> None:
        async with served(service) as server, HomeAssistant(server.port).client() as client:
            await client.write_event(SynthesizeStart().event())
            await client.write_event(SynthesizeChunk("Yes, of course. And then").event())
            await client.write_event(Event("synthesize-chunk", {"text": 5}))
            with pytest.raises(SpeechError, match="RequestError: synthesize-chunk: text is a string, not 5"):
                await hear(client)

    run(main())
    assert b"".join(audio) == voxstack.load("amber").synthesize("Yes, of course.").wav()[44:]


def test_a_client_that_sends_too_much_text_waits_until_it_is_read() -> None:
    async def main() -> None:
        parts = TextParts()
        most = "x" * requests.MAX_WAITING
        await parts.put(most)
        late = asyncio.create_task(parts.put("late"))
        await asyncio.sleep(0)
        assert not late.done()
        reading = parts.read()
        assert await anext(reading) == most
        await late
        parts.end()
        assert [part async for part in reading] == ["late"]

    run(main())


def test_a_client_that_waits_with_its_text_goes_on_when_that_is_dropped() -> None:
    async def main() -> None:
        parts = TextParts()
        await parts.put("x" * requests.MAX_WAITING)
        late = asyncio.create_task(parts.put("late"))
        await asyncio.sleep(0)
        assert not late.done(), "there is room for no more"
        parts.close()
        await late
        await parts.put("x" * requests.MAX_WAITING)
        await parts.put("never read")

    run(main())


@pytest.mark.parametrize(
    "start",
    [SynthesizeStart(SynthesizeVoice("missing")), SynthesizeStart(text_format="midi")],
    ids=["voice", "text_format"],
)
def test_the_rest_of_a_stream_that_failed_is_dropped_however_long_it_is(
    service: Watched, start: SynthesizeStart
) -> None:
    async def main() -> None:
        async with served(service) as server, HomeAssistant(server.port).client() as client:
            await client.write_event(start.event())
            with pytest.raises(SpeechError):
                await received(client)
            for _ in range(3):
                await client.write_event(SynthesizeChunk("x" * requests.MAX_WAITING).event())
            await client.write_event(SynthesizeStop().event())
            await client.write_event(Ping().event())
            assert (await received(client)).type == "pong"

    run(main())
    assert service.samples == 0


def test_unknown_events_are_ignored_with_their_payloads(service: Watched) -> None:
    async def main() -> tuple[Event, Event]:
        async with served(service) as server, HomeAssistant(server.port).client() as client:
            for event in (
                Event("surprise", {"data": [1]}, b'{"type": "describe"}\n' * 10_000),
                SelectProgram("another").event(),
                SynthesizeChunk("outside of a stream").event(),
                SynthesizeStop().event(),
                Ping("hello").event(),
                Describe().event(),
            ):
                await client.write_event(event)
            return await received(client), await received(client)

    pong, info = run(main())
    assert Pong.from_event(pong).text == "hello"
    assert Info.is_type(info.type)


@pytest.mark.parametrize(
    ("event", "problem"),
    [
        (Event("synthesize"), "synthesize: text is missing"),
        (Event("synthesize", {"text": ["a"]}), "synthesize: text is a string, not ['a']"),
        (Event("synthesize", {"text": "a", "voice": "amber"}), "synthesize: voice is an object such as"),
        (Event("synthesize", {"text": "a", "voice": {"name": 1}}), "synthesize: voice: name is a string, not 1"),
        (Event("synthesize-start", {"text_format": {}}), "synthesize-start: text_format is a string, not {}"),
    ],
    ids=lambda value: "" if isinstance(value, Event) else value,
)
def test_events_with_wrong_values_are_errors(service: Watched, event: Event, problem: str) -> None:
    async def main() -> None:
        async with served(service) as server, HomeAssistant(server.port).client() as client:
            await client.write_event(event)
            with pytest.raises(SpeechError, match="RequestError: " + re.escape(problem)):
                await received(client)
            await client.write_event(Describe().event())
            assert Info.is_type((await received(client)).type)

    run(main())


@pytest.mark.parametrize(
    ("sent", "problem"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", "an event is a line of JSON"),
        (b"\xff\xfe\n", "an event is a line of JSON"),
        (b"[" * 20_000 + b"\n", "an event is a line of JSON"),
        (b"[]\n", "an event is an object"),
        (b'{"data": {}}\n', 'an event is {"type"'),
        (b'{"type": 5}\n', 'an event is {"type"'),
        (b'{"type": "describe", "data": [1]}\n', 'an event is {"type"'),
        (b'{"type": "describe", "data": [1], "data_length": 2}\n{}', 'an event is {"type"'),
        (b'{"type": "describe", "data_length": 2}\n[]', "an event is an object"),
        (b'{"type": "describe", "data_length": "2"}\n[]', "data_length is a number of bytes of at most"),
        (b'{"type": "describe", "data_length": 1e3}\n[]', "data_length is a number of bytes of at most"),
        (b'{"type": "describe", "data_length": %d}\n' % (events.MAX_DATA + 1), "data_length is a number of bytes"),
        (b'{"type": "describe", "payload_length": -1}\n', "payload_length is a number of bytes"),
        (b'{"type": "%s"}\n' % (b"x" * events.MAX_HEADER), "the first line of an event has at most 65536 bytes"),
        (b"x" * events.MAX_HEADER * 3, "the first line of an event has at most 65536 bytes"),
    ],
    ids=range(15),
)
def test_what_is_no_event_ends_the_connection_with_an_error(service: Watched, sent: bytes, problem: str) -> None:
    async def main() -> tuple[Event | None, bytes]:
        async with served(service) as server:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(sent)
            answer = await async_read_event(reader)
            rest = await reader.read()
            writer.close()
            return answer, rest

    answer, rest = run(main())
    assert answer is not None
    assert (answer.type, answer.data["code"], rest) == ("error", "ProtocolError", b"")
    assert answer.data["text"].startswith(problem)


@pytest.mark.parametrize("sent", [b"", b'{"type"', b'{"type": "describe", "data_length": 9}\n{'])
def test_a_connection_that_ends_within_an_event_is_closed(service: Watched, sent: bytes) -> None:
    async def main() -> bytes:
        async with served(service) as server:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(sent)
            writer.write_eof()
            rest = await reader.read()
            writer.close()
            return rest

    assert run(main()) == b""


def test_an_older_form_of_events_is_read(service: Watched) -> None:
    """Data may stand in the first line."""

    async def main() -> bytes:
        async with served(service) as server, HomeAssistant(server.port).client() as client:
            client._writer.write(json.dumps({"type": "synthesize", "data": {"text": "Yes."}}).encode() + b"\n")
            return await whole(client)

    assert run(main()) == voxstack.load("amber").synthesize("Yes.").wav()


def test_halves_of_characters_do_no_harm(service: Watched) -> None:
    async def main() -> bytes:
        async with served(service) as server, HomeAssistant(server.port).client() as client:
            for data in (
                {"type": "ping", "data": {"text": "\ud83d"}},
                {"type": "ping", "data": {"text": "\ud83d\ude00"}},
            ):
                client._writer.write(json.dumps(data).encode() + b"\n")
            assert [Pong.from_event(await received(client)).text for _ in "12"] == ["\ufffd", "\U0001f600"]
            request = {"type": "synthesize", "data": {"text": "Yes \ud83d.", "voice": {"name": "amb\ud83d"}}}
            client._writer.write(json.dumps(request).encode() + b"\n")
            with pytest.raises(SpeechError, match="no voice named 'amb\ufffd'"):
                await received(client)
            del request["data"]["voice"]
            client._writer.write(json.dumps(request).encode() + b"\n")
            return await whole(client)

    assert run(main()) == voxstack.load("amber").synthesize("Yes \ufffd.").wav()


def test_a_fault_is_logged_and_not_shown(service: Watched, caplog: pytest.LogCaptureFixture) -> None:
    class Faulty(Watched):
        async def sample_rate(self, voice: str) -> int:
            raise ZeroDivisionError("secret")

    async def main() -> None:
        async with served(Faulty(service._voices, ["amber"])) as server:
            with pytest.raises(SpeechError, match="ZeroDivisionError: the service failed; its log states why"):
                await HomeAssistant(server.port).speak("Yes.")

    run(main())
    assert "secret" in caplog.text


def test_more_clients_than_allowed_are_refused(service: Watched) -> None:
    async def main() -> None:
        async with served(service, connections=1) as server:
            home = HomeAssistant(server.port)
            async with home.client() as client:
                await client.write_event(Ping().event())
                await received(client)
                with pytest.raises(SpeechError, match="CapacityError: there are 1 clients already; try again later"):
                    await home.info()
            await until(lambda: not server._tasks)
            assert await home.voices()

    run(main())


def test_an_address_that_is_taken_is_an_error(service: Watched) -> None:
    async def main() -> None:
        async with served(service) as server:
            with pytest.raises(
                RequestError, match=rf"cannot listen on 127.0.0.1:{server.port}: .*; choose another port"
            ):
                await WyomingServer(service, port=server.port).start()

    run(main())
