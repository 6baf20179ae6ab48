"""Conversations over ElevenLabs' WebSockets, and what their clients read from the messages."""

from __future__ import annotations

import base64
import binascii
import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import Any
from urllib.parse import quote, urlencode

from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from voxstack_serve.contract.clause import NotApplicable
from voxstack_serve.contract.sequences import Message
from voxstack_serve.contract.visit import Visit

ABSENT = (400, 403, 404, 405, 426, 501)
"""Statuses with which servers refuse a WebSocket that they do not have."""
LONGEST = 2**24
"""Bytes of a message that pipecat takes."""


class Conversation:
    """A connection, and the messages that came, by context."""

    def __init__(self, visit: Visit, socket: ClientConnection) -> None:
        self.socket = socket
        self.received: dict[str | None, list[Message]] = {}
        self.begin = time.perf_counter()
        self.arrivals: list[float] = []
        """Seconds until each message with audio."""
        self._visit, self._sent, self._came = visit, list[str](), list[str]()

    def send(self, messages: Iterable[Message]) -> None:
        """Send messages."""
        for message in messages:
            self._sent.append(json.dumps(message))
            self.socket.send(self._sent[-1])

    def receive(self, timeout: float | None = None) -> Message:
        """Return the next message.

        :raises AssertionError: if none comes in time, or the connection is closed.
        """
        try:
            data = self.socket.recv(self._visit.target.timeout if timeout is None else timeout)
        except TimeoutError:
            raise AssertionError("no message came") from None
        except ConnectionClosed as closed:
            raise AssertionError(f"the connection was closed: {closed}") from None
        message = json.loads(data)
        assert isinstance(message, dict), f"a message is {data!r:.60}, and clients read an object"
        self._came.append(_brief(message))
        if message.get("audio"):
            self.arrivals.append(time.perf_counter() - self.begin)
        self.received.setdefault(message.get("contextId"), []).append(message)
        return message

    def until_final(self, *contexts: str | None) -> list[Message]:
        """Return the messages of the last context when each has its final message.

        :raises AssertionError: for an error.
        """
        while not all(self.received.get(name, [{}])[-1].get("isFinal") for name in contexts):
            message = self.receive()
            assert not message.get("error"), f"an error came: {message}"
        return self.received[contexts[-1]]

    def until_audio(self) -> Message:
        """Return the next message with audio."""
        while not (message := self.receive()).get("audio"):
            assert not message.get("error"), f"an error came: {message}"
            assert not message.get("isFinal"), "the context ended without audio"
        return message

    def close_code(self) -> int | None:
        """Return the code with which the server closes the connection.

        :raises AssertionError: if it does not.
        """
        try:
            while True:
                self.socket.recv(self._visit.target.timeout)
        except TimeoutError:
            raise AssertionError("the connection is not closed") from None
        except ConnectionClosed:
            return self.socket.close_code

    def note(self) -> None:
        """Add what was sent and received to the record of the visit."""
        self._visit.note(", ".join(self._sent) or "a connection", ", ".join(self._came) or "no message")


@contextmanager
def conversation(
    visit: Visit, query: Mapping[str, str], path: str = "multi-stream-input", voice: str = "", key: str = ""
) -> Iterator[Conversation]:
    """Provide a connection, as pipecat opens it.

    :param voice: instead of that of the target; ``key`` likewise.
    :raises NotApplicable: if the server has no such WebSocket.
    """
    place = f"{visit.target.sockets}/v1/text-to-speech/{quote(voice or visit.target.voice)}/{path}?{urlencode(query)}"
    headers = {"xi-api-key": key or visit.target.key or "any"}
    try:
        socket = connect(place, additional_headers=headers, max_size=LONGEST, open_timeout=visit.target.timeout)
    except InvalidStatus as error:
        if error.response.status_code in ABSENT and not (voice or key):
            raise NotApplicable(f"the server refuses the WebSocket with status {error.response.status_code}") from None
        raise
    with socket:
        found = Conversation(visit, socket)
        try:
            yield found
        finally:
            found.note()


def audio_of(messages: Iterable[Message]) -> bytes:
    """Return the joined audio of messages.

    :raises AssertionError: if it is no base64.
    """
    try:
        return b"".join(base64.b64decode(message.get("audio") or "", validate=True) for message in messages)
    except (binascii.Error, TypeError) as error:
        raise AssertionError(f"audio is no base64: {error}") from None


def alignments_of(messages: Iterable[Message]) -> list[dict[str, list[Any]]]:
    """Return the alignments of messages, as pipecat chooses them.

    :raises AssertionError: if there are none, or one is not complete.
    """
    found = [
        chosen for message in messages if (chosen := message.get("alignment") or message.get("normalizedAlignment"))
    ]
    assert found, "no message has an alignment"
    for alignment in found:
        lists = [alignment.get(name) for name in ("chars", "charStartTimesMs", "charDurationsMs")]
        assert all(isinstance(values, list) for values in lists), f"an alignment has no list of its own: {alignment}"
        lengths = {len(values or ()) for values in lists}
        assert len(lengths) == 1, f"the lists of an alignment differ in length: {alignment}"
        assert lengths != {0}, "an alignment is empty"
    return found


def text_of(alignments: Iterable[Mapping[str, Sequence[str]]]) -> str:
    """Return the text of joined alignments."""
    return "".join("".join(alignment["chars"]) for alignment in alignments)


def check_order(times: Sequence[float]) -> None:
    """Check that times do not run backwards.

    :raises AssertionError: with the first that does.
    """
    for before, after in pairwise(times):
        assert after >= before, f"times run backwards: {after} ms comes after {before} ms"


def _brief(message: Message) -> str:
    """Return a message for the record, with the length of its audio."""
    shown = {key: value for key, value in message.items() if value not in (None, "")}
    if isinstance(audio := shown.get("audio"), str):
        shown["audio"] = f"<{3 * len(audio) // 4} bytes>"
    for name in ("alignment", "normalizedAlignment"):
        if isinstance(shown.get(name), dict):
            shown[name] = "".join(map(str, shown[name].get("chars", "")))
    return str(shown)
