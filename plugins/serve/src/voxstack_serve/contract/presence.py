"""Which protocols a server has."""

from __future__ import annotations

import socket
from urllib.parse import quote

from websockets.exceptions import InvalidStatus

from voxstack_serve.contract.clause import NotApplicable
from voxstack_serve.contract.conversation import conversation
from voxstack_serve.contract.sequences import pipecat_query
from voxstack_serve.contract.target import Target
from voxstack_serve.contract.visit import SPEECH, Visit


def absence(target: Target, protocol: str) -> str:
    """Return why a protocol cannot be tried at a server; empty if it can."""
    try:
        return {"openai": _openai, "elevenlabs": _elevenlabs, "wyoming": _wyoming}[protocol](target)
    except Exception as error:  # anything may listen there
        if isinstance(error, OSError) and not isinstance(error, BrokenPipeError | ConnectionResetError):
            return f"the server cannot be reached: {error.strerror or error}"
        return f"the server does not answer in HTTP: {type(error).__name__}: {error}"


def _openai(target: Target) -> str:
    if not target.url:
        return "no address is given"
    return f"there is no POST {SPEECH}" if Visit(target).post().status in (404, 405, 501) else ""


def _elevenlabs(target: Target) -> str:
    if not target.url:
        return "no address is given"
    path = f"/v1/text-to-speech/{quote(target.voice)}"
    reply = Visit(target).request("POST", path, {"text": "Hello."}, {"xi-api-key": target.key or "any"})
    if reply.status not in (404, 405, 501) or b"detail" in reply.body:
        return ""
    try:
        with conversation(Visit(target), pipecat_query()):
            return ""
    except (NotApplicable, InvalidStatus):
        return f"there is no POST {path}, and no WebSocket"


def _wyoming(target: Target) -> str:
    if not target.wyoming:
        return "no address is given; use --wyoming HOST:PORT"
    socket.create_connection(target.wyoming_address(), timeout=target.timeout).close()
    return ""
