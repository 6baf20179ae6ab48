"""Events as they arrive, within limits of their size, and as they are sent."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from wyoming.event import Event
from wyoming.version import __version__

from voxstack import RequestError

MAX_HEADER = 2**16
"""Bytes of the line that begins an event."""

MAX_DATA = 2**20
"""Bytes of JSON after the line."""

_BLOCK = 2**16


class ProtocolError(RequestError):
    """Bytes that are no event, after which nothing can be read; the text states what is wrong."""


async def read_event(reader: asyncio.StreamReader) -> Event | None:
    """Return the next event, without its payload; None at the end of the connection.

    No event that a speech service understands has a payload, so it is skipped as it arrives.

    :param reader: with a limit of :data:`MAX_HEADER` bytes.
    :raises ProtocolError: for anything else than an event, and for events that are too large.
    """
    try:
        header = _object(await reader.readuntil())
        kind, data = header.get("type"), header.get("data") or {}
        if not isinstance(kind, str) or not isinstance(data, dict):
            raise ProtocolError('an event is {"type": "...", "data": {...}}')
        if size := _size(header, "data_length", MAX_DATA):
            data = {**data, **_object(await reader.readexactly(size))}
        await _skip(reader, _size(header, "payload_length"))
    except asyncio.IncompleteReadError:
        return None
    except asyncio.LimitOverrunError:
        raise ProtocolError(f"the first line of an event has at most {MAX_HEADER} bytes") from None
    return Event(kind, data)


def encoded(event: Event) -> bytes:
    """Return an event as it is sent: a line of JSON, its data and its payload.

    All of it is sent at once: each system call lets the threads that compute take the interpreter's lock.
    """
    data = json.dumps(event.data).encode() if event.data else b""
    payload = event.payload or b""
    header = {"type": event.type, "version": __version__, "data_length": len(data), "payload_length": len(payload)}
    line = json.dumps({key: value for key, value in header.items() if value}).encode()
    return b"".join((line, b"\n", data, payload))


def _object(text: bytes) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"an event is a line of JSON, and this one cannot be read: {error}") from None
    if not isinstance(value, dict):
        raise ProtocolError("an event is an object of JSON")
    return value


def _size(header: dict[str, Any], key: str, limit: int | None = None) -> int:
    size = header.get(key) or 0
    if type(size) is not int or size < 0 or (limit is not None and size > limit):
        most = "" if limit is None else f" of at most {limit}"
        raise ProtocolError(f"{key} is a number of bytes{most}, not {str(size)[:40]}")
    return size


async def _skip(reader: asyncio.StreamReader, size: int) -> None:
    while size:
        size -= len(await reader.readexactly(min(size, _BLOCK)))
