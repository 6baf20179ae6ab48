"""Messages between a process and its worker process: a header in JSON, then the bytes of arrays.

A message is four bytes, the length of the header, little-endian; the header, an object in JSON; and the contents of the
arrays that its ``arrays`` lists, rows of name, dtype and shape, each C-contiguous, one after the other.
"""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

Row = tuple[str, str, list[int]]
"""An array in a header: its name, dtype and shape."""

_LENGTH = struct.Struct("<I")
_BUFFERS = 512
"""Buffers that one system call writes."""


class MessageError(Exception):
    """A received frame that is not a message."""


def message(header: Mapping[str, Any], arrays: Mapping[str, np.ndarray] | None = None) -> list[memoryview]:
    """Return the parts of a message. They share memory with contiguous arrays."""
    ordered = {name: np.asarray(array, order="C") for name, array in (arrays or {}).items()}
    rows = [(name, array.dtype.str, array.shape) for name, array in ordered.items()]
    contents = json.dumps({**header, "arrays": rows} if rows else header).encode()
    parts = [memoryview(_LENGTH.pack(len(contents)) + contents)]
    return parts + [_bytes_of(array) for array in ordered.values() if array.size]


def send(connection: socket.socket, parts: Sequence[memoryview]) -> None:
    """Send a message.

    :raises OSError: if the other side is gone.
    """
    left = list(parts)
    first = 0
    while first < len(left):
        sent = connection.sendmsg(left[first : first + _BUFFERS])
        while first < len(left) and sent >= len(left[first]):
            sent -= len(left[first])
            first += 1
        if sent:
            left[first] = left[first][sent:]


def receive_header(connection: socket.socket, limit: int) -> dict[str, Any]:
    """Return the header of the next message.

    :param limit: bytes that it may have.
    :raises MessageError: if it has more, or is no object in JSON.
    :raises EOFError: if the other side has closed the connection.
    """
    (length,) = _LENGTH.unpack(_receive(connection, _LENGTH.size))
    if length > limit:
        raise MessageError(f"a header of {length} bytes")
    try:
        header = json.loads(_receive(connection, length))
    except (ValueError, RecursionError) as error:
        raise MessageError("a header that is not valid JSON") from error
    if not isinstance(header, dict):
        raise MessageError("a header that is no object")
    return header


def receive_arrays(connection: socket.socket, rows: Iterable[Row]) -> dict[str, np.ndarray]:
    """Return the arrays that follow a header, whose rows have been checked.

    :raises EOFError: if the other side has closed the connection.
    """
    arrays = {}
    for name, dtype, shape in rows:
        arrays[name] = np.empty(shape, dtype)
        if arrays[name].size:
            _receive_into(connection, _bytes_of(arrays[name]))
    return arrays


def _bytes_of(array: np.ndarray) -> memoryview:
    return array.reshape(-1).view(np.uint8).data


def _receive(connection: socket.socket, size: int) -> bytearray:
    contents = bytearray(size)
    if size:
        _receive_into(connection, memoryview(contents))
    return contents


def _receive_into(connection: socket.socket, view: memoryview) -> None:
    while view:
        size = connection.recv_into(view, 0, socket.MSG_WAITALL)
        if not size:
            raise EOFError
        view = view[size:]
