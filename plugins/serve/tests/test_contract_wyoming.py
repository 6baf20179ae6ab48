"""The clauses of the Wyoming protocol hold for this server, and find each defect of servers that have one."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from defects import failures, neighbours
from wyoming.event import Event, async_read_event, async_write_event

import voxstack
from voxstack import Chunk
from voxstack_serve import Service
from voxstack_serve.contract import Clause, NotApplicable, Target, clauses, parametrize_with_clauses
from voxstack_serve.wyoming import WyomingServer

Way = list[Event]


@contextmanager
def listening(start: Any) -> Iterator[int]:
    """Run a server in a thread; provide its port."""
    ready, ports = threading.Event(), list[int]()
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        async with await start() as server:
            ports.append(server.port if isinstance(server, WyomingServer) else server.sockets[0].getsockname()[1])
            ready.set()
            await stop.wait()

    stop = asyncio.Event()
    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    ready.wait(20)
    try:
        yield ports[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


@pytest.fixture(scope="module")
def port(voices: voxstack.Voices) -> Iterator[int]:
    async def start() -> WyomingServer:
        return WyomingServer(Service(voices, ["amber", "cobalt"]), port=0)

    with listening(start) as found:
        yield found


@parametrize_with_clauses("wyoming")
def test_this_server_meets_the_clause(port: int, clause: Clause) -> None:
    target = Target(voice="amber", wyoming=f"127.0.0.1:{port}")
    if "each-speaker" in clause.name:
        with pytest.raises(NotApplicable, match="no voice lists speakers"):
            clause.require(target)
        return
    clause.require(target)


class Proxy:
    """A server between a client and the real one, which changes events.

    :param sent: returns the events for the client instead of one of the server.
    :param came: returns the events for the server instead of one of the client; None closes the connection.
    """

    def __init__(self, port: int, sent: Any = None, came: Any = None) -> None:
        self._port = port
        self._sent = sent or (lambda event, state: [event])
        self._came = came or (lambda event, state: [event])

    async def start(self) -> asyncio.Server:
        return await asyncio.start_server(self._serve, "127.0.0.1", 0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream, downstream = await asyncio.open_connection("127.0.0.1", self._port)
        state: dict[str, Any] = {}
        ways = [
            asyncio.create_task(self._pass(reader, downstream, self._came, state)),
            asyncio.create_task(self._pass(upstream, writer, self._sent, state)),
        ]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        writer.close()
        downstream.close()

    async def _pass(self, reader: Any, writer: Any, change: Any, state: dict[str, Any]) -> None:
        while (event := await async_read_event(reader)) is not None:
            changed = change(event, state)
            if changed is None:
                return
            for each in changed:
                await async_write_event(each, writer)


def without(kind: str) -> Any:
    return lambda event, state: [] if event.type == kind else [event]


def info_with(change: Any) -> Any:
    def sent(event: Event, state: dict[str, Any]) -> Way:
        if event.type == "info":
            change(event.data["tts"][0])
        return [event]

    return sent


def no_voices(program: dict[str, Any]) -> None:
    for voice in program["voices"]:
        voice["languages"] = []


def one_voice_more(program: dict[str, Any]) -> None:
    program["voices"].append({**program["voices"][0], "name": "ghost"})


def speakers(program: dict[str, Any]) -> None:
    program["voices"][0]["speakers"] = [{"name": "one"}, {"name": "two"}]


def other_rate(event: Event, state: dict[str, Any]) -> Way:
    state["chunks"] = state.get("chunks", 0) + (event.type == "audio-chunk")
    if event.type == "audio-chunk" and state["chunks"] > 1:
        return [Event(event.type, {**event.data, "rate": 8000}, event.payload)]
    return [event]


def spoken_twice(event: Event, state: dict[str, Any]) -> Way:
    if event.type == "synthesize-start":
        state["voice"] = event.data.get("voice")
    elif event.type == "synthesize" and "voice" in state:
        return [Event("synthesize-chunk", {"text": event.data["text"]})]
    return [event]


def early_stopped(event: Event, state: dict[str, Any]) -> Way:
    if event.type == "audio-stop" and state.get("streams"):
        return [Event("synthesize-stopped"), event]
    return [] if event.type == "synthesize-stopped" else [event]


def seen_stream(event: Event, state: dict[str, Any]) -> Way:
    state["streams"] = event.type.startswith("synthesize-")
    return [event]


def held_text(event: Event, state: dict[str, Any]) -> Way:
    """Pass the text of a stream on when it has ended."""
    held = state.setdefault("held", [])
    if event.type == "synthesize-chunk":
        held.append(event)
        return []
    if event.type == "synthesize-stop":
        return [*held, event]
    return [event]


def no_end_of_nothing(event: Event, state: dict[str, Any]) -> Way:
    if event.type == "synthesize-chunk":
        state["text"] = True
    return [] if event.type == "synthesize-stop" and "text" not in state else [event]


def tags_as_words(event: Event, state: dict[str, Any]) -> Way:
    if event.data.get("text_format"):
        text = event.data["text"].replace("<", " less than ").replace(">", " greater than ")
        return [Event(event.type, {**event.data, "text": text, "text_format": None})]
    return [event]


def closes_at_unknown(event: Event, state: dict[str, Any]) -> Way | None:
    return None if event.type == "no-such-event" else [event]


def ignores_empty_texts(event: Event, state: dict[str, Any]) -> Way:
    return [] if event.type == "synthesize" and not event.data["text"] else [event]


def any_voice(event: Event, state: dict[str, Any]) -> Way:
    if (event.data.get("voice") or {}).get("name") == "no-such-voice-0":
        return [Event(event.type, {**event.data, "voice": None})]
    return [event]


def one_request(event: Event, state: dict[str, Any]) -> Way | None:
    state["requests"] = state.get("requests", 0) + (event.type == "synthesize")
    return None if state["requests"] > 1 else [event]


DEFECTS: dict[str, tuple[dict[str, Any], set[str]]] = {
    "chunks of other rates": ({"sent": other_rate}, {"audio-has-the-format-of-its-start"}),
    "the text is repeated": ({"came": spoken_twice}, {"speaks-a-text-in-parts-once"}),
    "stopped before the audio": ({"came": seen_stream, "sent": early_stopped}, {"ends-a-stream-with-stopped"}),
    "the text is collected": ({"came": held_text}, {"speaks-while-text-arrives"}),
    "an empty stream goes on": ({"came": no_end_of_nothing}, {"an-empty-stream-ends"}),
    "tags are read": ({"came": tags_as_words}, {"ssml-is-not-read-aloud"}),
    "voices without languages": ({"sent": info_with(no_voices)}, {"describes-its-voices"}),
    "no word of streams": (
        {"sent": info_with(lambda program: program.update(supports_synthesize_streaming=False))},
        {"announces-that-it-streams"},
    ),
    "a voice that is not there": ({"sent": info_with(one_voice_more)}, {"speaks-with-each-voice-of-its-list"}),
    "speakers that are not there": ({"sent": info_with(speakers)}, {"speaks-with-each-speaker-of-its-list"}),
    "unknown events end it": ({"came": closes_at_unknown}, {"ignores-unknown-events"}),
    "an empty text has no answer": ({"came": ignores_empty_texts}, {"ends-requests-without-speech"}),
    "any voice": ({"came": any_voice}, {"an-unknown-voice-is-an-error"}),
    "no pong": ({"sent": without("pong")}, {"answers-pings"}),
    "one request a connection": ({"came": one_request}, {"takes-several-requests-on-a-connection"}),
}


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_defect_fails_its_clause_and_no_other(port: int, defect: str) -> None:
    changes, expected = DEFECTS[defect]
    names = {f"wyoming.{name}" for name in expected}
    with listening(Proxy(port, **changes).start) as proxied:
        target = Target(voice="amber", wyoming=f"127.0.0.1:{proxied}", timeout=5)
        found = failures(neighbours(clauses("wyoming"), names), target)
    assert set(found) == names, "\n".join(found.values())


def test_audio_without_an_end_is_found(port: int) -> None:
    chosen = [clause for clause in clauses("wyoming") if clause.name == "wyoming.speaks-a-whole-text"]
    with listening(Proxy(port, without("audio-stop")).start) as proxied:
        assert len(failures(chosen, Target(wyoming=f"127.0.0.1:{proxied}", timeout=2))) == 1


class Mixing(Service):
    """A service that gives one stream the audio of another that runs."""

    last: Chunk | None = None

    async def stream(self, voice: str, text: Any, **options: Any) -> AsyncGenerator[Chunk, None]:
        async for chunk in super().stream(voice, text, **options):
            mixed, self.last = self.last, chunk
            await asyncio.sleep(0.01)
            yield chunk if self.last is chunk or mixed is None else Chunk(chunk.samples[:0], chunk.start)


class Leaking(Service):
    """A service of four places, which clients that leave keep."""

    places = 4

    async def stream(self, voice: str, text: Any, **options: Any) -> AsyncGenerator[Chunk, None]:
        if not self.places:
            raise RuntimeError("the service is stuck")
        self.places -= 1
        async for chunk in super().stream(voice, text, **options):
            yield chunk
        self.places += 1


@pytest.mark.parametrize(
    ("name", "service"), [("many-clients-are-served", Mixing), ("clients-that-leave-do-no-harm", Leaking)]
)
def test_mixed_audio_and_stuck_services_are_found(voices: voxstack.Voices, name: str, service: type[Service]) -> None:
    async def start() -> WyomingServer:
        return WyomingServer(service(voices, ["amber"]), port=0)

    chosen = [clause for clause in clauses("wyoming") if clause.name == f"wyoming.{name}"]
    with listening(start) as found:
        assert len(failures(chosen, Target(wyoming=f"127.0.0.1:{found}", timeout=20))) == 1
