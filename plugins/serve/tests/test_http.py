"""The service over HTTP: errors, keys, limits, readers that are slow or leave, and figures."""

from __future__ import annotations

import http.client
import json
import random
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from serving import serving, until

import voxstack
from voxstack_serve import Service
from voxstack_serve.app import build_app
from voxstack_serve.limits import Limits
from voxstack_serve.server import listening_socket

LONG = "The quick brown fox jumps over the lazy dog, and then it sleeps. " * 200
SPEECH = "/v1/audio/speech"


def body(text: str = "Hello there.", **keys: Any) -> bytes:
    return json.dumps({"model": "tts-1", "voice": "alloy", "response_format": "pcm", "input": text, **keys}).encode()


def ask(address: str, method: str, path: str, content: bytes = b"", **headers: str) -> tuple[Any, bytes]:
    """Return the response to a request, and its content."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)
    try:
        connection.request(method, path, content or None, {name.replace("_", "-"): v for name, v in headers.items()})
        response = connection.getresponse()
        return response, response.read()
    finally:
        connection.close()


@contextmanager
def opened(address: str, content: bytes) -> Iterator[socket.socket]:
    """Provide a connection that has sent a request for speech and takes little at once."""
    place = urlsplit(address)
    with socket.socket() as found:
        found.settimeout(60)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)
        found.connect((place.hostname, place.port))
        head = f"POST {SPEECH} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(content)}\r\n\r\n"
        found.sendall(head.encode() + content)
        yield found


def test_small_packets_are_sent_at_once() -> None:
    """For asyncio sets TCP_NODELAY on connections of the protocol TCP only; without it, first audio waits 40 ms."""
    with listening_socket("127.0.0.1", 0) as listener:
        assert listener.proto == socket.IPPROTO_TCP


@pytest.mark.parametrize(
    ("method", "path", "content", "status", "code"),
    [
        ("POST", SPEECH, b"{", 400, "invalid_json"),
        ("POST", SPEECH, b"\xff", 400, "invalid_json"),
        ("POST", SPEECH, b"[" * 100_000, 400, "invalid_json"),
        ("POST", SPEECH, b'{"speed": NaN}', 400, "invalid_json"),
        ("POST", SPEECH, b"[]", 400, "invalid_json"),
        ("POST", SPEECH, b"{}", 400, "missing_required_parameter"),
        ("POST", SPEECH, body("x" * 10**6), 413, "body_too_large"),
        ("GET", SPEECH, b"", 405, "method_not_supported"),
        ("GET", "/v1/other", b"", 404, "unknown_url"),
        ("GET", "/v1/models/other", b"", 404, "model_not_found"),
    ],
)
def test_every_error_has_the_envelope(
    address: str, method: str, path: str, content: bytes, status: int, code: str
) -> None:
    response, received = ask(address, method, path, content)
    error = json.loads(received)["error"]
    assert (response.status, error["code"], error["type"]) == (status, code, "invalid_request_error")
    assert set(error) == {"message", "type", "param", "code"}
    assert response.headers["x-request-id"].startswith("req_")


def test_a_fault_of_the_service_has_the_envelope_too(voices: voxstack.Voices) -> None:
    service = Service(voices, ["amber"])
    del service.metrics.first  # any fault: the stream fails when it counts its first audio
    with serving(service) as address:
        response, received = ask(address, "POST", SPEECH, body())
    error = json.loads(received)["error"]
    assert (response.status, error["type"], error["code"]) == (500, "server_error", "internal_error")


def test_pages_without_a_key(address: str) -> None:
    for path in ("/", "/v1", "/v1/", "/health", "/ready"):
        assert ask(address, "GET", path)[0].status == 200
    listed = json.loads(ask(address, "GET", "/v1/audio/voices")[1])["voices"]
    assert [(voice["id"], voice["name"], voice["sample_rate"]) for voice in listed] == [
        ("amber", "amber", 16_000),
        ("cobalt", "cobalt", 16_000),
    ]


def test_a_key_is_required_for_all_but_the_state(voices: voxstack.Voices) -> None:
    with serving(Service(voices, ["amber"]), keys=["secret", "other"]) as address:
        for path in ("/v1/models", "/metrics", "/none"):
            response, received = ask(address, "GET", path)
            assert (response.status, json.loads(received)["error"]["code"]) == (401, "invalid_api_key")
        assert ask(address, "GET", "/v1/models", authorization="Bearer wrong")[0].status == 401
        assert ask(address, "GET", "/v1/models", authorization="Basic secret")[0].status == 401
        assert ask(address, "GET", "/v1/models", authorization="Bearer secret")[0].status == 200
        assert ask(address, "GET", "/v1/models", xi_api_key="other")[0].status == 200
        assert ask(address, "GET", "/health")[0].status == 200


def test_no_voice_is_not_ready(voices: voxstack.Voices, tmp_path: Any) -> None:
    with serving(Service(voices, [str(tmp_path)])) as address:
        assert ask(address, "GET", "/health")[0].status == 200
        assert ask(address, "GET", "/ready")[0].status == 503


def test_a_stream_too_many_is_refused_with_the_time_to_retry(voices: voxstack.Voices) -> None:
    service = Service(voices, ["amber"], limits=Limits(streams=1))
    with serving(service) as address, opened(address, body(LONG)) as reader:
        reader.recv(1000)
        response, received = ask(address, "POST", SPEECH, body())
        assert (response.status, response.headers["retry-after"]) == (503, "1")
        assert response.headers["retry-after-ms"] == "1000"
        assert response.headers["connection"] == "close"
        assert json.loads(received)["error"]["type"] == "server_error"
        reader.close()
        until(lambda: service.limits.running == 0)
        assert ask(address, "POST", SPEECH, body())[0].status == 200


def test_what_the_scheduler_refuses_is_no_fault() -> None:
    scheduler = voxstack.Scheduler(load=1e-9)
    with (
        voxstack.Voices(warm=["amber"], scheduler=scheduler) as voices,
        serving(Service(voices, ["amber"])) as address,
        opened(address, body(LONG)) as reader,
    ):
        reader.recv(1000)
        response, received = ask(address, "POST", SPEECH, body(stream_format="sse"))
        assert (response.status, json.loads(received)["error"]["code"]) == (503, "capacity")


def test_a_slow_reader_holds_the_synthesis_back(voices: voxstack.Voices) -> None:
    service = Service(voices, ["amber"])
    with serving(service) as address, opened(address, body(LONG)) as reader:
        reader.recv(1000)
        held = settled(service)
        assert 0 < held < 20, "of 13 minutes"
        received = 0
        while received < 48_000 * 30:
            received += len(reader.recv(65_536))
        until(lambda: audio(service) > 30)
        assert settled(service) < 50


def test_a_reader_that_stops_does_not_hold_its_stream_for_ever(voices: voxstack.Voices) -> None:
    service = Service(voices, ["amber"], limits=Limits(stall=0.1))
    with serving(service) as address, opened(address, body(LONG)) as reader:
        reader.recv(1000)
        until(lambda: ended(service, "cancelled") == 1)
    assert service.limits.running == 0


def audio(service: Service) -> float:
    return service.metrics.value("voxstack_audio_seconds_total", {"voice": "amber"})


def ended(service: Service, outcome: str) -> float:
    return service.metrics.value("voxstack_streams_total", {"voice": "amber", "outcome": outcome})


def settled(service: Service) -> float:
    """Return the seconds of audio when they have not grown for a while."""
    before = -1.0
    while audio(service) != before:
        before = audio(service)
        time.sleep(0.4)
    return before


def test_readers_that_leave_at_any_point_leave_nothing_behind(voices: voxstack.Voices) -> None:
    service, rng = Service(voices, ["amber"]), random.Random(1)
    with serving(service) as address:
        ask(address, "POST", SPEECH, body(response_format="opus"))
        threads = threading.active_count()
        for number in range(100):
            keys: dict[str, Any] = {"response_format": rng.choice(["pcm", "mp3", "opus", "flac"])}
            keys |= {"stream_format": rng.choice(["audio", "sse"]), "complete": number % 10 == 0}
            with opened(address, body(LONG, **keys)) as reader:
                if number % 5 == 0:
                    time.sleep(rng.random() * 0.02)
                else:
                    read(reader, rng.randrange(1, 10_000))
        until(lambda: service.limits.running == 0)
        until(lambda: all(row.users == 0 for row in voices.status()))
        until(lambda: voxstack.Scheduler.shared().streams == 0)
        assert ended(service, "cancelled") >= 80
        assert not any(ended(service, outcome) for outcome in ("failed", "invalid", "refused"))
        assert service.metrics.value("voxstack_streams_running") == 0
        assert audio(service) < 100 * 30, "of 13 minutes each"
        until(lambda: threading.active_count() < threads + 10)  # some idle workers are kept


def read(reader: socket.socket, count: int) -> None:
    while count > 0:
        received = len(reader.recv(count))
        assert received, "the body is longer"
        count -= received


def test_figures_are_in_the_text_format(voices: voxstack.Voices) -> None:
    service = Service(voices, ["amber"])
    with serving(service) as address:
        ask(address, "POST", SPEECH, body())
        ask(address, "GET", "/none")
        response, received = ask(address, "GET", "/metrics")
    assert response.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    lines = received.decode().splitlines()
    assert 'voxstack_http_responses_total{status="200"} 1.0' in lines
    assert 'voxstack_http_responses_total{status="404"} 1.0' in lines
    assert 'voxstack_streams_total{outcome="complete",voice="amber"} 1.0' in lines
    assert 'voxstack_first_audio_seconds_bucket{le="+Inf",voice="amber"} 1.0' in lines
    assert "voxstack_streams_running 0.0" in lines


def test_other_routes_are_behind_the_same_keys(voices: voxstack.Voices) -> None:
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route

    route = Route("/more", lambda request: PlainTextResponse("more"))
    service = Service(voices, ["amber"])
    assert route in build_app(service, routes=[route]).routes
    with serving(service, keys=["k"], routes=[route]) as address:
        assert ask(address, "GET", "/more")[0].status == 401
        assert ask(address, "GET", "/more", authorization="Bearer k")[1] == b"more"
