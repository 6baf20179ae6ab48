"""The messages of the protocol."""

from __future__ import annotations

import base64
import json
from typing import Any, NamedTuple

from voxstack.errors import CapacityError, RequestError

LONGEST_TEXT = 100_000
"""Characters that may wait in a context."""
MOST_SEGMENTS = 1000
"""Flushed texts that may wait in a context."""


class ProtocolError(RequestError):
    """A message or a connection is not as the protocol has it.

    :param code: names the kind of the error, for programs.
    """

    def __init__(self, code: str, problem: str) -> None:
        super().__init__(code, problem)
        self.code, self.problem = code, problem

    def __str__(self) -> str:
        return self.problem


class ClientMessage(NamedTuple):
    """A message of a client.

    :param text: None if it is absent; blank to open a context or to keep it open.
    :param flush: whether all text so far is to be synthesized now.
    :param speed: of the voice, if the message sets it; 1 is its own.
    :param seed: in the body of a request over HTTP.
    """

    context: str | None = None
    text: str | None = None
    flush: bool = False
    close_context: bool = False
    close_socket: bool = False
    speed: float | None = None
    seed: int | None = None


def read_message(source: str | bytes) -> ClientMessage:
    """Return a message of a client; members that are not known have no effect.

    :raises ProtocolError: with the member that is wrong.
    """
    try:
        members = json.loads(source, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise _invalid(f"a message is a JSON object; this is not JSON: {error}") from error
    if not isinstance(members, dict):
        raise _invalid('a message is a JSON object, such as {"text": "Hello. ", "flush": true}')
    settings = _read(members, "voice_settings", dict) or {}
    return ClientMessage(
        _read(members, "context_id", str),
        _read(members, "text", str),
        bool(_read(members, "flush", bool)),
        bool(_read(members, "close_context", bool)),
        bool(_read(members, "close_socket", bool)),
        _read(settings, "speed", _NUMBER),
        _read(members, "seed", int),
    )


_NUMBER = (int, float)
_KINDS: dict[type | tuple[type, ...], str] = {
    str: "a string",
    bool: "true or false",
    dict: "an object",
    int: "a whole number",
    _NUMBER: "a number",
}


def _read(members: dict[str, Any], name: str, kind: type | tuple[type, ...]) -> Any:
    """Return a member, which may be missing or null."""
    value = members.get(name)
    if value is not None and (not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool)):
        raise _invalid(f"{name} is {_KINDS[kind]}, not {json.dumps(value):.40}")
    return value


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number")


def _invalid(problem: str) -> ProtocolError:
    return ProtocolError("invalid_message", problem)


def audio_message(audio: bytes, alignment: dict[str, Any] | None) -> dict[str, Any]:
    """Return a message with audio, which may be empty, and the times of its characters.

    Both alignments are of the text as written: it is what the times are known for.
    """
    data = base64.b64encode(audio).decode("ascii")
    return {"audio": data, "isFinal": None, "alignment": alignment, "normalizedAlignment": alignment}


def final_message() -> dict[str, Any]:
    """Return the last message of a context."""
    return {"audio": None, "isFinal": True, "alignment": None, "normalizedAlignment": None}


def error_message(code: str, problem: str) -> dict[str, Any]:
    """Return the message for an error; ``code`` names its kind."""
    return {"message": problem, "error": code, "code": POLICY_VIOLATION}


POLICY_VIOLATION = 1008
"""The code with which the protocol closes connections for errors of clients."""


def error_code(error: Exception) -> str:
    """Return the name of the kind of an error."""
    if isinstance(error, CapacityError):
        return "system_busy"
    return "invalid_request" if isinstance(error, RequestError) else "internal_error"
