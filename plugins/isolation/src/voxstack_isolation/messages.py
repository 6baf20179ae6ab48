"""Messages between a process and its worker process: a header in JSON, then the bytes of arrays.

A message is four bytes, the length of the header, little-endian; the header, an object in JSON; and the contents of the
arrays that its ``arrays`` lists, rows of name, dtype and shape, each C-contiguous, one after the other.
"""

from __future__ import annotations

import functools
import json
import socket
import struct
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

Row = tuple[str, str, tuple[int, ...]]
"""An array in a header: its name, dtype and shape."""

MAX_CACHED = 4096
"""Bytes of a header that is kept once it is parsed: those of a stream's calls are the same again and again."""
_LENGTH = struct.Struct("<I")
_BUFFERS = 512
"""Buffers that one system call reads or writes."""


class MessageError(Exception):
    """Something else than a message was received."""


def encoded(header: Mapping[str, Any]) -> bytes:
    """Return the header of a message, after its length."""
    contents = json.dumps(header).encode()
    return _LENGTH.pack(len(contents)) + contents


def rows_of(arrays: Mapping[str, np.ndarray]) -> tuple[Row, ...]:
    """Return the rows that describe arrays in a header."""
    return tuple([(name, array.dtype.str, array.shape) for name, array in arrays.items()])


def send(connection: socket.socket, header: bytes, arrays: Iterable[np.ndarray] = ()) -> None:
    """Send a message.

    :param header: from :func:`encoded`.
    :param arrays: those of its rows, C-contiguous.
    :raises OSError: if the other side is gone.
    """
    parts: list[memoryview | bytes] = [header, *(_bytes_of(array) for array in arrays if array.size)]
    first = 0
    while first < len(parts):
        sent = connection.sendmsg(parts[first : first + _BUFFERS])
        while first < len(parts) and sent >= len(parts[first]):
            sent -= len(parts[first])
            first += 1
        if sent:
            parts[first] = memoryview(parts[first])[sent:]


def receive_header(connection: socket.socket, limit: int) -> bytes:
    """Return the header of the next message, not parsed yet.

    :param limit: bytes that it may have.
    :raises MessageError: if it has more.
    :raises EOFError: if the other side has closed the connection.
    """
    (length,) = _LENGTH.unpack(_receive(connection, _LENGTH.size))
    if length > limit:
        raise MessageError(f"a header of {length} bytes")
    return bytes(_receive(connection, length))


def parsed(header: bytes) -> dict[str, Any]:
    """Return the object that a header holds; it is shared, and must not be changed.

    :raises MessageError: if it holds no object.
    """
    return _parsed_once(header) if len(header) <= MAX_CACHED else _parsed(header)


def receive_arrays(connection: socket.socket, rows: Iterable[Row]) -> dict[str, np.ndarray]:
    """Return the arrays that follow a header, whose rows have been checked.

    :raises EOFError: if the other side has closed the connection.
    """
    arrays = {name: np.empty(shape, dtype) for name, dtype, shape in rows}
    _receive_into(connection, [_bytes_of(array) for array in arrays.values() if array.size])
    return arrays


def _parsed(header: bytes) -> dict[str, Any]:
    try:
        value = json.loads(header)
    except (ValueError, RecursionError) as error:
        raise MessageError("a header that is not valid JSON") from error
    if not isinstance(value, dict):
        raise MessageError("a header that is no object")
    return value


_parsed_once = functools.lru_cache(256)(_parsed)


def _bytes_of(array: np.ndarray) -> memoryview:
    return array.reshape(-1).view(np.uint8).data


def _receive(connection: socket.socket, size: int) -> bytearray:
    contents = bytearray(size)
    if size:
        _receive_into(connection, [memoryview(contents)])
    return contents


def _receive_into(connection: socket.socket, buffers: list[memoryview]) -> None:
    first = 0
    while first < len(buffers):
        size = connection.recvmsg_into(buffers[first : first + _BUFFERS], 0, socket.MSG_WAITALL)[0]
        if not size:
            raise EOFError
        while first < len(buffers) and size >= len(buffers[first]):
            size -= len(buffers[first])
            first += 1
        if size:
            buffers[first] = buffers[first][size:]
