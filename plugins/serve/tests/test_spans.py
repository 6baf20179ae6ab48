"""Spans of requests and streams, as OpenTelemetry's SDK exports them."""

from __future__ import annotations

import asyncio
import http.client
import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from serving import serving, until
from websockets.sync.client import connect

import voxstack
from voxstack_serve import Service, elevenlabs
from voxstack_serve.limits import Limits
from voxstack_serve.spans import Tracing
from voxstack_serve.wyoming import WyomingServer

TRACE, PARENT = 0x0AF7651916CD43DD8448EB211C80319C, 0xB7AD6B7169203331
SPEECH = "/v1/audio/speech"


@pytest.fixture
def exported() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def traced(voices: voxstack.Voices, exported: InMemorySpanExporter) -> Service:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exported))
    return Service(voices, ["amber"], limits=Limits(streams=1), tracing=Tracing(provider))


@pytest.fixture
def address(traced: Service) -> Iterator[str]:
    with serving(traced, routes=elevenlabs.routes(traced), keys=["k"]) as found:
        yield found


def ask(address: str, body: Any, **headers: str) -> str:
    """Return the id of a request for speech."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)
    connection.request("POST", SPEECH, json.dumps(body), {"authorization": "Bearer k", **headers})
    response = connection.getresponse()
    response.read()
    connection.close()
    return response.headers["x-request-id"]


def spans(exported: InMemorySpanExporter, count: int) -> list[ReadableSpan]:
    until(lambda: len(exported.get_finished_spans()) == count)
    return list(exported.get_finished_spans())


def test_a_stream_is_a_child_of_its_request_and_that_of_the_caller(
    address: str, exported: InMemorySpanExporter
) -> None:
    body = {"model": "m", "voice": "alloy", "input": "Hello there.", "response_format": "wav"}
    request_id = ask(address, body, traceparent=f"00-{TRACE:032x}-{PARENT:016x}-01")
    stream, request = spans(exported, 2)
    assert request.name == f"POST {SPEECH}"
    assert request.kind == SpanKind.SERVER
    assert request.attributes is not None
    assert request.attributes["http.response.status_code"] == 200
    assert request.attributes["voxstack.request"] == request_id
    assert request.parent is not None
    assert (request.parent.trace_id, request.parent.span_id) == (TRACE, PARENT)
    assert stream.parent == request.context
    assert stream.name == "speech"
    assert stream.attributes is not None
    found = dict(stream.attributes)
    assert 0.3 < found.pop("voxstack.audio_seconds") < 5  # type: ignore[operator]
    assert found.keys() >= {"voxstack.first_audio_ms", "voxstack.seconds", "voxstack.late_chunks"}
    assert {name: found[f"voxstack.{name}"] for name in ("protocol", "voice", "format", "characters", "outcome")} == {
        "protocol": "openai",
        "voice": "amber",
        "format": "wav",
        "characters": 12,
        "outcome": "complete",
    }
    assert [event.name for event in stream.events] == ["first_audio"]
    assert stream.start_time is not None
    assert stream.end_time is not None
    assert stream.start_time < stream.events[0].timestamp <= stream.end_time


def test_faults_are_errors_and_their_messages_stay_in_the_log(
    address: str, traced: Service, exported: InMemorySpanExporter
) -> None:
    del traced.metrics.first
    ask(address, {"model": "m", "voice": "amber", "input": "A secret."})
    stream, request = spans(exported, 2)
    assert (stream.status.status_code, request.status.status_code) == (StatusCode.ERROR, StatusCode.ERROR)
    assert "secret" not in stream.to_json() + request.to_json()
    exported.clear()
    ask(address, {"model": "m", "voice": "secret", "input": "Hello."})
    (request,) = spans(exported, 1)
    assert request.status.status_code == StatusCode.UNSET
    assert "secret" not in request.to_json()


def test_what_machines_request_all_the_time_is_not_traced(address: str, exported: InMemorySpanExporter) -> None:
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)
    for path in ("/health", "/ready", "/metrics", "/none"):
        connection.request("GET", path)
        connection.getresponse().read()
    connection.close()
    assert [span.name for span in spans(exported, 1)] == ["GET"]


def test_connections_of_websockets_have_a_span_each(address: str, exported: InMemorySpanExporter) -> None:
    url = f"{address.replace('http', 'ws')}/v1/text-to-speech/amber/multi-stream-input?output_format=pcm_24000"
    with connect(url, additional_headers={"xi-api-key": "k"}) as websocket:
        for name in ("a", "b"):
            websocket.send(json.dumps({"text": "Hello.", "context_id": name, "flush": True}))
            websocket.send(json.dumps({"context_id": name, "close_context": True}))
            while not json.loads(websocket.recv(60)).get("isFinal"):
                pass
        websocket.send(json.dumps({"close_socket": True}))
        list(websocket)
    first, second, connection = spans(exported, 3)
    assert connection.name == "WEBSOCKET /v1/text-to-speech/{voice}/multi-stream-input"
    assert first.parent == second.parent == connection.context
    assert first.attributes is not None
    assert (first.attributes["voxstack.protocol"], first.attributes["voxstack.outcome"]) == ("elevenlabs", "complete")


def test_requests_of_wyoming_have_a_span_each(traced: Service, exported: InMemorySpanExporter) -> None:
    async def speak() -> None:
        async with WyomingServer(traced, port=0) as server:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            for text in ("Hello.", ""):
                writer.write(json.dumps({"type": "synthesize", "data": {"text": text}}).encode() + b"\n")
            while b'"error"' not in await asyncio.wait_for(reader.readline(), 60):
                pass
            writer.close()

    asyncio.run(speak())
    stream, request, invalid, failed = spans(exported, 4)
    assert request.name == failed.name == "wyoming synthesize"
    assert stream.parent == request.context
    assert invalid.parent == failed.context
    assert invalid.attributes is not None
    assert invalid.attributes["voxstack.outcome"] == "invalid"
    assert (failed.status.status_code, failed.status.description) == (StatusCode.ERROR, "RequestError")


def test_without_opentelemetry_nothing_is_imported_and_all_works() -> None:
    code = """
import asyncio, sys
sys.modules["opentelemetry"] = None
import voxstack
from voxstack_serve import Service, build_app

async def speak():
    return [chunk async for chunk in service.stream("amber", "Hello.")]

with voxstack.Voices() as voices:
    service = Service(voices, ["amber"])
    build_app(service)
    assert asyncio.run(speak())
print([name for name in sys.modules if name.startswith("opentelemetry.")])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert (done.stdout, done.returncode) == ("[]\n", 0), done.stderr
