"""One run of a clause: requests, with a record of what was sent and what came."""

from __future__ import annotations

import contextlib
import http.client
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from voxstack_serve.contract.target import Target

SPEECH = "/v1/audio/speech"

LONGEST = 2**28
"""Bytes of a body that are read."""
SHOWN = 300
"""Characters of a message in the record."""


@dataclass(frozen=True)
class Reply:
    """A response, and when each part of its body came, in seconds since the request.

    :param headers: by name in lower case.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    arrivals: tuple[float, ...]

    @property
    def media_type(self) -> str:
        """The media type, without parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def json(self) -> Any:
        """Return the content of a body of JSON.

        :raises AssertionError: if it is something else.
        """
        try:
            return json.loads(self.body)
        except ValueError:
            raise AssertionError(f"the body is no JSON: {self.body[:80]!r}") from None


class Visit:
    """A target, and a record of the messages to it and from it."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self._steps: list[tuple[str, str]] = []

    def note(self, sent: object, came: object) -> None:
        """Add a step to the record."""
        self._steps.append((shortened(sent), shortened(came)))

    def record(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return what was sent, and what came each time."""
        return tuple(sent for sent, _ in self._steps), tuple(came for _, came in self._steps)

    def headers(self, key: str | None = None) -> dict[str, str]:
        """Return the headers of a client of OpenAI; with another key than that of the target, if one is given."""
        used = self.target.key or "any" if key is None else key
        return {"authorization": f"Bearer {used}", "content-type": "application/json", "accept": "*/*"}

    @contextlib.contextmanager
    def connection(self) -> Iterator[http.client.HTTPConnection]:
        """Provide a connection."""
        place = urlsplit(self.target.root)
        kind = http.client.HTTPSConnection if place.scheme == "https" else http.client.HTTPConnection
        with contextlib.closing(kind(place.netloc, timeout=self.target.timeout)) as found:
            yield found

    def request(
        self,
        method: str,
        path: str,
        content: bytes | Mapping[str, Any] = b"",
        headers: Mapping[str, str] | None = None,
        connection: http.client.HTTPConnection | None = None,
    ) -> Reply:
        """Return the response to a request.

        :param content: an object is sent as JSON.
        :param headers: instead of those of a client of OpenAI.
        :param connection: instead of one of its own.
        """
        with contextlib.ExitStack() as stack:
            used = connection or stack.enter_context(self.connection())
            reply = exchange(used, method, self.path(path), as_bytes(content), headers or self.headers())
        self.note(f"{method} {path} {shown(content)}", summary(reply))
        return reply

    def post(self, **keys: Any) -> Reply:
        """Return the response to a request for speech, whatever it is."""
        return self.request("POST", SPEECH, speech_body(self.target, **keys))

    def speech(self, **keys: Any) -> Reply:
        """Return the response to a request for speech that has to succeed.

        :raises AssertionError: for an error, and for a body that is empty.
        """
        return expect_audio(self.post(**keys))

    def path(self, path: str) -> str:
        """Return the path of a request, below that of the target."""
        return urlsplit(self.target.root).path + path


def speech_body(target: Target, **keys: Any) -> dict[str, Any]:
    """Return the body of a request for speech; keys that are None are left out."""
    body = {"input": "Hello there, my friend.", "model": "tts-1", "voice": target.voice, **keys}
    return {name: value for name, value in body.items() if value is not None}


def expect_audio(reply: Reply) -> Reply:
    """Return a response with audio or events.

    :raises AssertionError: for an error, and for a body that is empty.
    """
    assert reply.status == 200, f"the status is {reply.status}: {reply.body[:200].decode(errors='replace')}"
    assert reply.body, "the body is empty"
    return reply


def exchange(
    connection: http.client.HTTPConnection, method: str, path: str, body: bytes, headers: Mapping[str, str]
) -> Reply:
    """Return the response to a request on a connection.

    :raises http.client.IncompleteRead: if the body breaks off.
    """
    begin = time.perf_counter()
    connection.request(method, path, body or None, dict(headers))
    response = connection.getresponse()
    content, arrivals = bytearray(), []
    while len(content) < LONGEST and (part := response.read1(65_536)):
        content += part
        arrivals.append(time.perf_counter() - begin)
    response.read()  # raises if the length that was announced has not come
    found = {name.lower(): value for name, value in response.getheaders()}
    return Reply(response.status, found, bytes(content), tuple(arrivals))


def as_bytes(content: bytes | Mapping[str, Any]) -> bytes:
    """Return the body of a request."""
    return content if isinstance(content, bytes) else json.dumps(content).encode()


def shown(content: bytes | Mapping[str, Any]) -> str:
    """Return the body of a request for the record."""
    return as_bytes(content).decode(errors="replace")


def summary(reply: Reply) -> str:
    """Return a response in a line."""
    kind = reply.headers.get("content-type", "no content-type")
    textual = reply.media_type.startswith("text/") or "json" in reply.media_type
    content = reply.body[:SHOWN].decode(errors="replace") if textual else f"{len(reply.body)} bytes"
    return f"{reply.status}, {kind}: {content}"


def shortened(content: object) -> str:
    """Return a text that fits into a record."""
    text = " ".join(str(content).split())
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 3]}..."
