"""The client that goes on at another server, with servers that send what a broken one may send."""

from __future__ import annotations

import base64
import json
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from voxstack_serve.client import SpeechError, resumable_speech

TAG = '"a"'
CHUNKED = f"HTTP/1.1 200 OK\r\nContent-Type: audio/wav\r\nETag: {TAG}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
UNKNOWN = f"HTTP/1.0 200 OK\r\nContent-Type: audio/wav\r\nETag: {TAG}\r\n\r\n".encode()
EVENTS = CHUNKED.replace(b"audio/wav", b"text/event-stream")
REFUSED = b"HTTP/1.1 503 Busy\r\nRetry-After: 3600\r\nRetry-After-Ms: 1\r\nContent-Length: 0\r\n\r\n"
END = b"0\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def event(**content: Any) -> bytes:
    return chunk(b"data: " + json.dumps(content).encode() + b"\n\n")


def delta(data: bytes) -> bytes:
    return event(type="speech.audio.delta", audio=base64.b64encode(data).decode())


def sized(data: bytes, length: int, status: str = "200 OK") -> bytes:
    return f"HTTP/1.1 {status}\r\nETag: {TAG}\r\nContent-Length: {length}\r\n\r\n".encode() + data


class Script:
    """A server that answers each connection with the next of its responses, then closes it; later ones it refuses."""

    def __init__(self, responses: list[bytes]) -> None:
        self.requests: list[tuple[dict[str, str], dict[str, Any]]] = []
        """Headers and keys of each request."""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._run, args=(responses,))
        self._thread.start()

    def _run(self, responses: list[bytes]) -> None:
        with self._listener:
            for response in responses:
                connection = self._listener.accept()[0]
                with connection, connection.makefile("rb") as received:
                    self._read(received)
                    connection.sendall(response)

    def _read(self, received: Any) -> None:
        headers = {}
        while (line := received.readline().decode().strip()) or not headers:
            name, _, value = line.partition(": ")
            headers[name.lower()] = value
        self.requests.append((headers, json.loads(received.read(int(headers["content-length"])))))

    def join(self) -> None:
        """Wait until all responses are sent."""
        self._thread.join(60)


@pytest.fixture
def script() -> Iterator[Any]:
    scripts: list[Script] = []

    def start(*responses: bytes) -> Script:
        scripts.append(Script(list(responses)))
        return scripts[-1]

    yield start
    for one in scripts:
        one.join()


def speech(*servers: Script, **options: Any) -> bytes:
    return b"".join(resumable_speech([one.url for one in servers], "Hello.", voice="amber", **options))


@pytest.mark.parametrize(
    ("first", "received"),
    [
        (CHUNKED + chunk(b"abc"), 3),
        (CHUNKED + chunk(b"abc") + b"8\r\nde", 5),
        (CHUNKED + chunk(b"abc") + b"what?\r\n", 3),
        (sized(b"abc", 6), 3),
        (EVENTS + delta(b"abc") + END, 3),
        (EVENTS + delta(b"abc") + event(error={"message": "x", "type": "server_error"}) + END, 3),
        (EVENTS + delta(b"abc") + event(type="speech.audio.delta", audio="?") + END, 3),
        (EVENTS + delta(b"abc") + delta(b"de")[:20], 3),
        (UNKNOWN + b"abc", 3),
        (CHUNKED, 0),
        (b"", 0),
        (b"nonsense\r\n\r\n", 0),
        (REFUSED, 0),
        (b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 6\r\n\r\n<html>", 0),
    ],
    ids=lambda value: repr(value)[:60],
)
def test_whatever_breaks_is_continued(script: Any, first: bytes, received: int) -> None:
    one, two = script(first), script(CHUNKED + chunk(b"abcdef"[received:]) + END)
    assert speech(one, two) == b"abcdef"
    headers, keys = two.requests[0]
    assert (keys.get("start_byte", 0), headers.get("if-match")) == (received, TAG if received else None)
    assert (keys["input"], keys["voice"], keys["response_format"]) == ("Hello.", "amber", "wav")


def test_one_server_is_asked_again(script: Any) -> None:
    one = script(REFUSED, CHUNKED + chunk(b"abc"), REFUSED, b"", CHUNKED + chunk(b"def") + END)
    assert speech(one) == b"abcdef"
    assert [keys.get("start_byte") for _, keys in one.requests] == [None, None, 3, 3, 3]


def test_a_response_of_unknown_length_is_complete_when_nothing_follows(script: Any) -> None:
    one = script(UNKNOWN + b"abc", UNKNOWN)
    assert speech(one) == b"abc"
    assert one.requests[1][1]["start_byte"] == 3


def test_events_may_come_in_any_parts(script: Any) -> None:
    content = b"data: " + json.dumps({"type": "speech.audio.delta", "audio": "YWJj"}).encode() + b"\n\ndata: [x]\n\n"
    done = b'data: {"type": "speech.audio.done"}\n\n'
    one = script(EVENTS + b"".join(chunk(bytes([value])) for value in content + done) + END)
    assert speech(one) == b"abc"


@pytest.mark.parametrize(
    ("responses", "message", "status", "received"),
    [
        ([sized(b'{"error": {"message": "no voice", "code": "c"}}', 47, "400 Bad")], "no voice", 400, 0),
        ([sized(b"[1]", 3, "401 Unauthorized")], "Unauthorized", 401, 0),
        ([CHUNKED + chunk(b"abc"), sized(b'{"error": "changed"}', 20, "412 Failed")], "changed", 412, 3),
        ([CHUNKED + chunk(b"abc"), CHUNKED.replace(b'"a"', b'"b"') + END], "not the one that was broken off", 412, 3),
        (
            [CHUNKED.replace(b"ETag", b"X") + chunk(b"abc")],
            "it cannot be continued, as the server sent no ETag",
            None,
            3,
        ),
        ([CHUNKED + chunk(b"abc"), b""], "no server went on within 0.2 s; one of the last errors was", None, 3),
    ],
)
def test_what_cannot_be_continued(
    script: Any, responses: list[bytes], message: str, status: int | None, received: int
) -> None:
    one, found = script(*responses), bytearray()

    def read() -> None:
        for part in resumable_speech(one.url, "Hello.", voice="amber", patience=0.2):
            found.extend(part)

    with pytest.raises(SpeechError, match=message) as caught:
        read()
    assert (caught.value.status, caught.value.received, len(found)) == (status, received, received)


def test_a_server_that_never_answers_is_left(script: Any) -> None:
    two = script(CHUNKED + chunk(b"abc") + END)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        urls = [f"http://127.0.0.1:{silent.getsockname()[1]}", two.url]
        assert b"".join(resumable_speech(urls, "Hello.", voice="amber", timeout=0.2)) == b"abc"


def test_addresses(script: Any) -> None:
    one = script(CHUNKED + chunk(b"a") + END, CHUNKED + chunk(b"b") + END)
    found = [b"".join(resumable_speech(one.url + end, "Hi.", voice="amber", api_key="k")) for end in ("/v1/", "/")]
    assert found == [b"a", b"b"]
    assert one.requests[0][0]["authorization"] == "Bearer k"
    for wrong in ("127.0.0.1:8000", "ftp://x", ""):
        with pytest.raises(SpeechError, match="write one as http://host:8000"):
            next(resumable_speech(wrong, "Hello.", voice="amber"))
    with pytest.raises(SpeechError, match="there is no server"):
        resumable_speech([], "Hello.", voice="amber")
