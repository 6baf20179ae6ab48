"""Clients of the speech service that disconnect at random points, of all protocols and formats.

Each case is eight clients at once of a server in a process of its own. They leave within their request, before or after
the head of the response, within its body, within a frame or an event; by FIN, by RST, or in one direction first.
Afterwards nothing may run in that process, and it may hold no more threads, handles, tasks or memory than before.
"""

from __future__ import annotations

import json
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from random import Random

from tests.campaign.report import Report

sys.path.insert(0, str(Path(__file__).parents[2] / "support"))

from raw_clients import (
    KINDS,
    SOCKET_FORMATS,
    connected,
    frame,
    handshake,
    leave,
    read_head,
    request,
    request_bytes,
    wyoming_event,
)
from speech_server import Held, SpeechServer, speech_server

FULL, SHORT, LIMIT, JOBS = 1250, 25, 120.0, 1

CLIENTS = 8
LOOKS = 40
"""Looks at the server, equally spaced; the first quarter of them is its warm-up."""

MOST_GROWTH = 1.0
"""Megabytes by which the median of the looks of the second half may be more than that of the first half."""

REST = 35.0
"""Seconds after which threads without work have ended."""

PATIENCE = 0.5
"""Seconds for which a client waits for bytes before it leaves."""

TEXT = "The kitchen light is on, and the door is closed. "


def run(report: Report, cases: Iterable[int]) -> None:
    """Run the cases."""
    numbers = list(cases)
    step = max(1, len(numbers) // LOOKS)
    looks: list[Held] = []
    rested: list[Held] = []
    with speech_server(arenas=2) as server:
        for number, random in report.each(numbers):
            _many(report, random, server)
            report.count("clients", CLIENTS)
            if number % step == step - 1:
                looks.append(server.settled(quiet=True))
                _check_quiet(report, looks[-1])
            if not report.short and number + 1 in (len(numbers) // 2, len(numbers)):
                time.sleep(REST)
                rested.append(server.held())
        _check_rested(report, rested)
        _check_memory(report, looks[len(looks) // 4 :])
        _check_log(report, server.log)


def _many(report: Report, random: Random, server: SpeechServer) -> None:
    plans = [(random.choice(_WAYS), Random(random.random())) for _ in range(CLIENTS)]
    threads = [threading.Thread(target=_client, args=(report, way, own, server)) for way, own in plans]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _client(report: Report, way: Callable[[Random, SpeechServer], None], random: Random, server: SpeechServer) -> None:
    report.count(way.__name__.strip("_"))
    try:
        way(random, server)
    except TimeoutError:
        report.count("left without an answer")
    except OSError:
        report.count("disconnected by the server")


def _in_a_request(random: Random, server: SpeechServer) -> None:
    """Leave within the request."""
    kind = random.choice(KINDS)
    content = request_bytes(kind, _text(random))
    with connected(_address(server, kind), PATIENCE) as client:
        if kind in SOCKET_FORMATS:
            size = random.choice([random.randrange(300), 1000])
            client.sendall(handshake(kind)[:size])
            if size == 1000:
                read_head(client)
        client.sendall(content[: random.randrange(1, len(content))])
        _wait(random)
        leave(client, _way(random))


def _in_a_response(random: Random, server: SpeechServer) -> None:
    """Leave before the response, or within it."""
    kind = random.choice(KINDS)
    with connected(_address(server, kind), PATIENCE) as client:
        request(client, kind, _text(random))
        wanted = random.choice([0, 1, random.randrange(2000), random.randrange(200_000)])
        while wanted > 0 and (part := client.recv(min(wanted, 65_536))):
            wanted -= len(part)
            _wait(random)
        leave(client, _way(random))


def _in_contexts(random: Random, server: SpeechServer) -> None:
    """Leave a WebSocket with several contexts, some of which were closed, maybe within a frame."""
    kind = random.choice(SOCKET_FORMATS)
    with connected(server.http, PATIENCE) as client:
        client.sendall(handshake(kind))
        read_head(client)
        messages = []
        for name in "abc"[: random.randint(1, 3)]:
            messages += [{"text": _text(random), "context_id": name, "flush": random.random() < 0.5}]
            messages += [{"context_id": name, "close_context": True}] if random.random() < 0.3 else []
        for message in messages:
            client.sendall(frame(json.dumps(message).encode()))
            _wait(random)
        if random.random() < 0.3:
            client.sendall(frame(b'{"text": "Half a message')[:10])
        elif random.random() < 0.3:
            client.sendall(frame(b"\x03\xe8", opcode=8))  # a close, whose answer it does not wait for
        client.recv(random.randrange(1, 50_000))
        leave(client, _way(random))


def _in_text_parts(random: Random, server: SpeechServer) -> None:
    """Leave a stream of text of Wyoming without its end, maybe within an event."""
    with connected(server.wyoming, PATIENCE) as client:
        client.sendall(wyoming_event({}, "synthesize-start"))
        for _ in range(random.randint(1, 4)):
            client.sendall(wyoming_event({"text": _text(random)}, "synthesize-chunk"))
            _wait(random)
        if random.random() < 0.5:
            client.sendall(wyoming_event({"text": "Half an event."}, "synthesize-chunk")[: random.randrange(1, 40)])
        leave(client, _way(random))


_WAYS = (_in_a_request, _in_a_response, _in_a_response, _in_a_response, _in_contexts, _in_text_parts)


def _address(server: SpeechServer, kind: str) -> tuple[str, int]:
    return server.wyoming if kind == "wyoming" else server.http


def _text(random: Random) -> str:
    return TEXT * random.choice([1, 3, 30])


def _way(random: Random) -> str:
    return random.choice(["FIN", "RST", "half"])


def _wait(random: Random) -> None:
    time.sleep(random.choice([0.0, 0.0, 0.001, 0.02]))


def _check_quiet(report: Report, held: Held) -> None:
    if not held.quiet:
        report.finding(f"streams run without a client: {held}")


def _check_rested(report: Report, rested: list[Held]) -> None:
    """Compare what was held after half of the clients, and after all of them."""
    for name in ("tasks", "threads", "handles") if len(rested) == 2 else ():
        before, after = (getattr(look, name) for look in rested)
        report.maximum(name, after)
        if after > before:
            report.finding(f"{name}: {before} after half of the clients, {after} after all")


def _check_memory(report: Report, looks: list[Held]) -> None:
    """Compare the memory of the second half of the looks with the first half."""
    if report.short or len(looks) < 4:
        return  # it is not all there yet
    first, second = looks[: len(looks) // 2], looks[len(looks) // 2 :]
    before, after = (statistics.median(look.megabytes for look in half) for half in (first, second))
    report.maximum("memory (MB)", after)
    report.maximum("growth (MB)", after - before)
    if after - before > MOST_GROWTH:
        report.finding(f"memory grew by {after - before:.2f} MB: {[round(look.megabytes, 1) for look in looks]}")


def _check_log(report: Report, log: list[str]) -> None:
    """Look for errors in the log of the server: that a client leaves is none."""
    errors = [line for line in log if "Traceback" in line or "never retrieved" in line or "was never awaited" in line]
    if errors:
        report.finding(f"{len(errors)} errors in the log of the server: {''.join(log[-60:])[-6000:]}")
