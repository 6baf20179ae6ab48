"""Clients that read slowly, or nothing."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import time
from collections.abc import Iterator
from typing import BinaryIO

import pytest
from raw_clients import KINDS, connected, request
from serving import serving, until
from speech_server import SpeechServer, speech_server

import voxstack
from voxstack_serve import Service
from voxstack_serve.backlog import GROWTH, LEAST, MOST, Pace, Pings, TcpClient
from voxstack_serve.backlog.pace import MeasuredPace
from voxstack_serve.backlog.protocols import pace_of
from voxstack_serve.backlog.tcp import Probe
from voxstack_serve.backlog.tcp_info import TcpInfo
from voxstack_serve.elevenlabs import routes
from voxstack_serve.limits import Limits

LONG = "The kitchen light is on, and the door is closed. " * 40  # some minutes
READERS = 20

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux reports what a client has not read")


@pytest.fixture(scope="module")
def server() -> Iterator[SpeechServer]:
    with speech_server() as found:
        yield found


@on_linux
@pytest.mark.parametrize("kind", KINDS)
def test_a_client_that_reads_nothing_costs_seconds_of_audio(server: SpeechServer, kind: str) -> None:
    before = server.settled(quiet=True)
    address = server.wyoming if kind == "wyoming" else server.http
    clients = [connected(address) for _ in range(READERS)]
    try:
        for client in clients:
            request(client, kind, LONG)
        held = server.settled()
    finally:
        for client in clients:
            client.close()
    assert held.streams == READERS
    # 2 seconds, which a benchmark measures, and what a slow machine has made before it learns that nobody reads.
    assert 0 < (held.audio - before.audio) / READERS <= 3.0
    assert (held.megabytes - before.megabytes) / READERS <= 5.0
    assert held.threads - before.threads < READERS  # none waits for a client
    assert server.settled(quiet=True).quiet


@on_linux
@pytest.mark.parametrize("kind", ["mp3", "pcm", "wyoming"])
def test_a_client_that_reads_again_receives_the_rest(server: SpeechServer, kind: str) -> None:
    quick, slow = (connected(server.wyoming if kind == "wyoming" else server.http) for _ in range(2))
    with quick, slow:
        for client in (quick, slow):
            request(client, kind, LONG[:400])
        whole = body_of(quick, kind)
        time.sleep(1.0)
        assert body_of(slow, kind) == whole


def body_of(client: socket.socket, kind: str) -> bytes:
    """Return the audio of a response."""
    reader = client.makefile("rb")
    if kind == "wyoming":
        return b"".join(events_of(reader))
    while reader.readline().strip():
        pass
    body = b""
    while size := int(reader.readline(), 16):
        body += reader.read(size + 2)[:-2]
    return body


def events_of(reader: BinaryIO) -> Iterator[bytes]:
    while True:
        event = json.loads(reader.readline())
        reader.read(event.get("data_length", 0))
        yield reader.read(event.get("payload_length", 0))
        if event["type"] == "audio-stop":
            return


def test_room_grows_with_what_was_read() -> None:
    pace = MeasuredPace()
    assert pace.limit == LEAST
    assert not pace.must_wait(60.0)  # a first part of any length
    pace.count(0.5)
    assert pace.must_wait(LEAST + 0.1)
    assert not pace.must_wait(LEAST)
    pace.read = 0.5
    assert not pace.must_wait(60.0)  # it has read all
    pace.read = 1.0
    assert pace.limit == 1.0 + GROWTH
    pace.read = 100.0
    assert pace.limit == 100.0 + MOST


def test_a_ping_at_a_time_proves_what_was_sent_before_it() -> None:
    sent: list[bytes] = []
    pings = Pings(sent.append)
    one, other = pings.pace(), pings.pace()
    one.count(0.3)
    one.count(0.6)
    other.count(0.4)
    assert len(sent) == 1
    pings.answer(b"something else")
    assert one.limit == LEAST
    pings.answer(sent[0])
    assert one.limit == pytest.approx(0.3 + 0.3 * GROWTH)  # the second part came after the ping
    assert len(sent) == 2
    pings.answer(sent[1])
    assert (one.read, other.read) == (0.6, 0.4)
    assert len(sent) == 2  # nothing is unread


def test_a_stream_that_waits_goes_on_with_the_answer() -> None:
    async def main() -> None:
        sent: list[bytes] = []
        pings = Pings(sent.append)
        pace = pings.pace()
        pace.count(LEAST)
        waiting = asyncio.ensure_future(pace.room(LEAST + 0.5))
        await asyncio.sleep(0)
        assert not waiting.done()
        pings.answer(sent[0])
        await asyncio.wait_for(waiting, 5)

    asyncio.run(main())


@pytest.mark.parametrize("scope", [{"type": "http"}, {"type": "websocket", "state": {"other": 1}}])
def test_there_is_no_limit_under_another_server(scope: dict[str, object]) -> None:
    assert type(pace_of(scope)) is Pace
    assert pace_of(scope).limit == float("inf")


def test_there_is_no_limit_where_the_system_reports_nothing() -> None:
    async def main() -> Pace:
        one, other = socket.socketpair()  # of no TCP
        with other:
            _, writer = await asyncio.open_connection(sock=one)
            pace = TcpClient(writer.transport).pace()
            writer.close()
            return pace

    assert type(asyncio.run(main())) is Pace


@on_linux
@pytest.mark.parametrize("kind", ["mp3", "pcm_24000"])
def test_a_client_that_reads_nothing_for_long_loses_its_stream(voices: voxstack.Voices, kind: str) -> None:
    service = Service(voices, ["amber"], limits=Limits(stall=0.2))
    with serving(service, routes=routes(service)) as address, connected(address_of(address)) as client:
        request(client, kind, LONG)
        until(lambda: has_ended(service))
        received = b""
        client.settimeout(20)
        while part := client.recv(65_536):
            received += part
            if b'isFinal":true' in received:
                break
    if kind == "mp3":
        assert not received.endswith(b"0\r\n\r\n")  # the client notices
    else:
        assert b"the client has read nothing for 0.2 s" in received


def has_ended(service: Service) -> bool:
    outcomes = ("complete", "cancelled", "failed")
    ended = sum(
        service.metrics.value("voxstack_streams_total", {"voice": "amber", "outcome": outcome}) for outcome in outcomes
    )
    return ended > 0 and service.metrics.value("voxstack_streams_running") == 0


def address_of(url: str) -> tuple[str, int]:
    host, _, port = url.removeprefix("http://").rpartition(":")
    return host, int(port)


@pytest.mark.parametrize(
    ("acknowledged", "held_up", "proves"),
    [
        pytest.param(18, 0.0, True, id="each segment at once"),
        pytest.param(14, 0.0, False, id="arrived together, as many as a system acknowledges anyway"),
        pytest.param(18, 0.2, False, id="this process was held up, so the first may have been acknowledged late"),
    ],
)
def test_a_burst_proves_what_more_acknowledgements_than_usual_show(
    acknowledged: int, held_up: float, proves: bool
) -> None:
    def info(segments: int) -> TcpInfo:
        return TcpInfo(0, 1000, 65_536, segments, silence=0.0, retransmitted=0, trip=0.001)

    client = TcpClient(asyncio.BaseTransport())
    client.prompt, client.info = True, info(100 + acknowledged)
    probe = Probe(info(100), began=time.monotonic() - held_up, after_idle=False)
    assert client.has_read_all(probe) is proves
