"""One request of the client: its response as parts of audio."""

from __future__ import annotations

import base64
import binascii
import http.client
import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import suppress
from email.message import Message
from typing import Any
from urllib.parse import urlsplit

from voxstack_serve.client.errors import Interrupted, SpeechError

PART = 65_536
"""Most bytes that are read at once."""

LONGEST_EVENT = 2**24
"""Most bytes of an event, or of the body of an error."""

_RETRIED = (408, 425, 429)
_LONGEST_WAIT = 3600.0


class Attempt:
    """A request to one server, and its response.

    :param url: of the server, with or without ``/v1``.
    :param timeout: seconds in which the server connects, and sends something while it is read.
    """

    def __init__(self, url: str, timeout: float) -> None:
        place = urlsplit(url)
        if place.scheme not in ("http", "https") or not place.hostname:
            raise SpeechError(f"{url!r:.200} is no address of a server; write one as http://host:8000")
        kind = http.client.HTTPSConnection if place.scheme == "https" else http.client.HTTPConnection
        self.url, self._path = url, f"{place.path.rstrip('/').removesuffix('/v1')}/v1/audio/speech"
        self._connection = kind(place.hostname, place.port, timeout=timeout)
        self._response: http.client.HTTPResponse | None = None
        self._socket: socket.socket | None = None
        self.certain = True
        """Whether the end of the response shows that it is complete."""

    def open(self, body: bytes, headers: Mapping[str, str]) -> str | None:
        """Send the request, and return the entity tag of the response.

        :raises Interrupted: if another attempt may succeed.
        :raises SpeechError: if none can.
        """
        try:
            self._connection.connect()
            self._socket = self._connection.sock
            self._connection.request("POST", self._path, body, dict(headers))
            self._response = self._connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            raise Interrupted(f"{self.url}: {_described(error)}") from error
        if self._response.status != 200:
            raise self._refusal(self._response)
        self.certain = self._response.chunked or self._response.length is not None
        return self._response.headers["etag"]

    def parts(self) -> Iterator[bytes]:
        """Yield the audio as it arrives, also that of events.

        :raises Interrupted: if the response is broken off.
        """
        assert self._response is not None, "the request is sent"
        kind = self._response.headers.get_content_type()
        parts = self._content(self._response)
        yield from self._audio_of_events(parts) if kind == "text/event-stream" else parts

    def interrupt(self) -> None:
        """Let another thread that reads from the connection end."""
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connection: the server stops."""
        if self._response is not None:
            self._response.close()
        self._connection.close()

    def _content(self, response: http.client.HTTPResponse) -> Iterator[bytes]:
        while True:
            try:
                part = response.read1(PART)
            except (OSError, http.client.HTTPException) as error:
                raise Interrupted(f"{self.url}: {_described(error)}") from error
            if not part:
                break
            yield part
        if response.length:
            raise Interrupted(f"{self.url}: the response ended {response.length} bytes before its end")

    def _audio_of_events(self, parts: Iterator[bytes]) -> Iterator[bytes]:
        for event in self._events(parts):
            if event.get("type") == "speech.audio.done":
                self.certain = True
                return
            if "error" in event:
                raise Interrupted(f"{self.url}: {_message(event)}")
            if event.get("type") == "speech.audio.delta":
                try:
                    yield base64.b64decode(event["audio"], validate=True)
                except (KeyError, TypeError, ValueError, binascii.Error) as error:
                    raise Interrupted(f"{self.url}: an event has no audio: {event!r:.200}") from error
        raise Interrupted(f"{self.url}: the response ended before its last event")

    def _events(self, parts: Iterator[bytes]) -> Iterator[dict[str, Any]]:
        held = b""
        for part in parts:
            *lines, held = (held + part).split(b"\n")
            if len(held) > LONGEST_EVENT:
                raise Interrupted(f"{self.url}: an event has more than {LONGEST_EVENT} bytes")
            for line in lines:
                if line.startswith(b"data:"):
                    yield _object(line[5:])

    def _refusal(self, response: http.client.HTTPResponse) -> Interrupted | SpeechError:
        """Return the error of a response that is not the speech."""
        try:
            content = _object(response.read(LONGEST_EVENT))
        except (OSError, http.client.HTTPException):
            content = {}
        status, message = response.status, f"{self.url}: {_message(content) or response.reason}"
        if status == 412:
            return Interrupted(message, differs=True)
        if status in _RETRIED or status >= 500:
            return Interrupted(message, _wait(response.headers))
        error = content.get("error")
        return SpeechError(message, status=status, code=error.get("code") if isinstance(error, dict) else None)


def _object(content: bytes) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _message(content: Mapping[str, Any]) -> str:
    error = content.get("error")
    return str(error.get("message", "")) if isinstance(error, dict) else str(error or "")


def _wait(headers: Message) -> float:
    """Return the seconds to wait that a response states; 0 for a date, which clocks may understand differently."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        value = headers.get(name) or ""
        if value.strip().isdigit() and len(value) < 10:
            return min(unit * int(value), _LONGEST_WAIT)
    return 0.0


def _described(error: BaseException) -> str:
    return f"the response was broken off ({error})" if isinstance(error, http.client.IncompleteRead) else str(error)
