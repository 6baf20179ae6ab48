"""The log: a line for each stream and each other request, without what clients keep to themselves."""

from __future__ import annotations

import http.client
import json
import logging
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from websockets.sync.client import connect

from voxstack_serve.logs import JsonFormatter, TextFormatter

SECRET = "Zanzibar"
KEY = "k3y-of-a-client"


@contextmanager
def program(log_format: str) -> Iterator[tuple[subprocess.Popen[str], str, tuple[str, int], list[str]]]:
    """Run the service; provide the process, its two addresses, and the lines so far."""
    arguments = ["--voice", "amber", "--port", "0", "--wyoming-port", "0", "--api-key", KEY, "--max-streams", "4"]
    command = [sys.executable, "-m", "voxstack_cli", "serve", *arguments, "--log-format", log_format]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        lines: list[str] = []
        try:
            assert process.stderr is not None
            for line in process.stderr:
                lines.append(line)
                if "clients of Wyoming" in line:
                    break
            web = re.search(r"http://(\S+) serves", "".join(lines))
            wyoming = re.search(r"tcp://(\S+):(\d+) serves", "".join(lines))
            assert web
            assert wyoming
            yield process, web[1], (wyoming[1], int(wyoming[2])), lines
        finally:
            process.kill()


def use_all_protocols(place: str, wyoming: tuple[str, int]) -> str:
    """Let each protocol speak a secret, send some nonsense, and return the id of the first request."""
    connection = http.client.HTTPConnection(place, timeout=60)

    def ask(method: str, path: str, body: Mapping[str, Any] | None = None) -> http.client.HTTPResponse:
        headers = {"authorization": f"Bearer {KEY}"}
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        response = connection.getresponse()
        response.read()
        return response

    speech = {"model": "m", "voice": "alloy", "input": f"Hello {SECRET}.", "response_format": "wav"}
    found = ask("POST", "/v1/audio/speech", speech).headers["x-request-id"]
    ask("POST", "/v1/audio/speech", {**speech, "rate": 10**9})
    ask("POST", "/v1/audio/speech", {**speech, "input": "<speak>" + SECRET, "markup": "ssml"})
    ask("GET", f"/none%0Aof?key={SECRET}")
    for path in ("/health", "/ready", "/metrics"):
        ask("GET", path)
    connection.close()
    address = f"ws://{place}/v1/text-to-speech/amber/stream-input?output_format=pcm_24000"
    with connect(address, additional_headers={"xi-api-key": KEY}) as websocket:
        for text in (f"Hello {SECRET}. ", ""):
            websocket.send(json.dumps({"text": text}))
        assert [json.loads(message) for message in websocket][-1]["isFinal"]
    with socket.create_connection(wyoming, timeout=60) as other:
        data = json.dumps({"type": "synthesize", "data": {"text": f"Hello {SECRET}.", "voice": {"name": "amber"}}})
        other.sendall(data.encode() + b"\n")
        for line in other.makefile("rb"):
            if b'"audio-stop"' in line:
                break
    return found


def test_each_line_is_json_and_each_stream_a_line() -> None:
    with program("json") as (process, place, wyoming, lines):
        request_id = use_all_protocols(place, wyoming)
        process.send_signal(signal.SIGTERM)
        lines += process.communicate(timeout=60)[1].splitlines()
    text = "".join(lines)
    assert SECRET not in text
    assert KEY not in text
    records = [json.loads(line) for line in lines]
    assert {record["process"] for record in records} == {process.pid}
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", record["time"]) for record in records)
    first, *rest = [record for record in records if record["message"] == "stream" and record["outcome"] == "complete"]
    assert (first["request"], first["protocol"], first["format"], first["voice"]) == (
        request_id,
        "openai",
        "wav",
        "amber",
    )
    assert first["characters"] == len(f"Hello {SECRET}.")
    assert 0.3 < first["audio_seconds"] < 5
    assert 0 < first["first_audio_ms"] <= 1000 * first["seconds"] + 1
    assert [(record["protocol"], record["format"]) for record in rest] == [("elevenlabs", "pcm"), ("wyoming", "pcm")]
    assert len({record["request"] for record in (first, *rest)}) == 3
    invalid = [record for record in records if record.get("outcome") == "invalid"]
    assert [(record["first_audio_ms"], record["reason"]) for record in invalid] == [(None, "RequestError")]
    others = [record for record in records if record["message"] == "request"]
    assert [(record["method"], record["path"], record["status"]) for record in others] == [
        ("POST", "/v1/audio/speech", 400),
        ("GET", "/none\nof", 404),
    ]


def test_text_has_the_same_fields_in_a_line() -> None:
    with program("text") as (process, place, wyoming, lines):
        request_id = use_all_protocols(place, wyoming)
        process.send_signal(signal.SIGTERM)
        lines += process.communicate(timeout=60)[1].splitlines()
    found = [line for line in lines if request_id in line]
    assert len(found) == 1
    assert re.search(
        rf" INFO stream request={request_id} protocol=openai voice=amber format=wav characters=15 ", found[0]
    )
    assert any(r'path="/none\nof" status=404' in line for line in lines)
    assert SECRET not in "".join(lines)


def record(**extra: Any) -> logging.LogRecord:
    logger = logging.getLogger("voxstack.serve")
    return logger.makeRecord(logger.name, logging.WARNING, "file", 1, "a\n%s", ("b",), None, extra=extra)


def test_any_record_is_one_line_of_json() -> None:
    found = record(fields={"voice": "x" * 10_000, "odd": object()})
    try:
        raise ValueError("a\nb")
    except ValueError:
        found.exc_info = sys.exc_info()
    line = JsonFormatter().format(found)
    assert "\n" not in line
    content = json.loads(line)
    assert (content["message"], content["level"], len(content["voice"])) == ("a\nb", "warning", 200)
    assert content["exception"].endswith("ValueError: a\nb")


def test_fields_cannot_imitate_other_fields() -> None:
    line = TextFormatter().format(record(fields={"path": 'x status=200 "', "none": None}))
    assert line.endswith(r'path="x status=200 \""')


def test_a_program_that_has_a_log_keeps_it() -> None:
    code = """
import logging
logging.basicConfig(format="own %(message)s")
from voxstack_serve.logs import configure_logging, log_event
configure_logging("json")
log_event("stream", voice="amber")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr == "own stream\n"
