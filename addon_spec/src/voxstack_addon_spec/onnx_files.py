"""The files that an ONNX file refers to, found without any ONNX library.

An ONNX file is a protocol buffer: fields, each with a number and a length, inside each other. Only the fields that lead
to tensors are read (:data:`_MESSAGES`); weights are skipped, not read.
"""

from __future__ import annotations

import mmap
from collections.abc import Collection, Iterator
from pathlib import Path

from voxstack_addon_spec.integrity import file_version
from voxstack_addon_spec.known_valid import holds
from voxstack_addon_spec.wording import listing, short_repr

MAX_FIELDS = 2_000_000
"""Fields that are read of one file; networks have some ten thousand."""

MAX_DEPTH = 100
"""Messages inside each other, as in the protocol buffers of Google."""

COMPILED = b"EPContext"
"""Type of a node that holds, or names a file with, code for one device."""

_MESSAGES: dict[str, dict[int, str]] = {
    "ModelProto": {7: "GraphProto", 20: "TrainingInfoProto", 25: "FunctionProto"},
    "TrainingInfoProto": {1: "GraphProto", 2: "GraphProto"},
    "FunctionProto": {7: "NodeProto", 11: "AttributeProto"},
    "GraphProto": {1: "NodeProto", 5: "TensorProto", 15: "SparseTensorProto"},
    "NodeProto": {5: "AttributeProto"},
    "AttributeProto": {
        5: "TensorProto",
        6: "GraphProto",
        10: "TensorProto",
        11: "GraphProto",
        22: "SparseTensorProto",
        23: "SparseTensorProto",
    },
    "SparseTensorProto": {1: "TensorProto", 2: "TensorProto"},
    "TensorProto": {13: "StringStringEntryProto"},
}
"""By message, the fields that lead to the entries of external data, and the messages in them."""

_TYPE_OF_NODE = 4
_KEY, _VALUE = 1, 2
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_Data = bytes | mmap.mmap


def file_problem(path: Path, allowed: Collection[str]) -> str | None:
    """Return why an ONNX file must not be opened; None if all that it would load is in it and in the allowed files.

    A file in which nothing was found is not read again until it changes.

    :param allowed: names of files in its folder.
    :raises OSError: if it cannot be read.
    """
    problem: str | None = None

    def is_safe() -> bool:
        nonlocal problem
        problem = _read_problem(path, allowed)
        return problem is None

    holds(file_version(path.stat()), f"refers only to {sorted(allowed)}", is_safe)
    return problem


def _read_problem(path: Path, allowed: Collection[str]) -> str | None:
    with path.open("rb") as file:
        if not path.stat().st_size:
            return "is empty; export the network again"
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return data_problem(data, allowed)


def data_problem(data: _Data, allowed: Collection[str]) -> str | None:
    """Return why an ONNX file of this content must not be opened, as :func:`file_problem` does."""
    try:
        for location in _locations(data):
            if location.removeprefix("./") not in allowed:
                return (
                    f"refers to the file {short_repr(location)} for its weights, and this export declares "
                    f"{listing(allowed) or 'none'}; declare it as 'parameters', in the folder of the 'symbol'"
                )
    except ValueError as error:
        return f"is not an ONNX file that can be opened ({error}); export the network again"
    return None


def _locations(data: _Data) -> Iterator[str]:
    """Yield the name of each file to which the external data of a tensor refers, wherever the tensor is.

    :raises ValueError: if the data is no ONNX file, or contains compiled nodes.
    """
    pending = [("ModelProto", 0, len(data), 1)]
    budget = MAX_FIELDS
    while pending:
        message, start, end, depth = pending.pop()
        if depth > MAX_DEPTH:
            raise ValueError(f"more than {MAX_DEPTH} messages inside each other")
        if message == "StringStringEntryProto":
            yield from _values(data, start, end)
            continue
        inner = _MESSAGES[message]
        for number, kind, first, last in _fields(data, start, end):
            budget -= 1
            if budget < 0:
                raise ValueError(f"more than {MAX_FIELDS} fields")
            if kind != _BYTES:
                continue
            if message == "NodeProto" and number == _TYPE_OF_NODE and data[first:last] == COMPILED:
                raise ValueError(f"a node of type {COMPILED.decode()}, which is compiled code")
            if number in inner and not (inner[number] == "NodeProto" and _is_plain(data, first, last)):
                pending.append((inner[number], first, last, depth + 1))


def _is_plain(data: _Data, start: int, end: int) -> bool:
    """Return True for a node, with all in it, that certainly refers to no file: most need not be read."""
    return data.find(b"location", start, end) < 0 and data.find(COMPILED, start, end) < 0


def _values(data: _Data, start: int, end: int) -> list[str]:
    """Return the location that an entry of external data gives; none if it gives something else.

    A field may be repeated, and then the last one counts; all are returned, so that no reader finds another.
    """
    found: dict[int, list[bytes]] = {_KEY: [], _VALUE: []}
    for number, kind, first, last in _fields(data, start, end):
        if kind == _BYTES and number in found:
            found[number].append(data[first:last])
    if b"location" not in found[_KEY]:
        return []
    return [value.decode("utf-8") for value in found[_VALUE]]


def _fields(data: _Data, position: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """Yield number, kind, start and end of each field of a message.

    :raises ValueError: if a field is not complete.
    """
    while position < end:
        key, position = _varint(data, position, end)
        kind = key & 7
        if kind == _BYTES:
            size, position = _varint(data, position, end)
            after = position + size
        elif kind == _VARINT:
            _, after = _varint(data, position, end)
        elif kind in (_FIXED64, _FIXED32):
            after = position + (8 if kind == _FIXED64 else 4)
        else:
            raise ValueError(f"no field begins at byte {position}")
        if after > end or not key >> 3:
            raise ValueError(f"the field at byte {position} is damaged")
        yield key >> 3, kind, position, after
        position = after


def _varint(data: _Data, position: int, end: int) -> tuple[int, int]:
    """Return the integer of variable length at a position, and the position after it."""
    value = shift = 0
    while position < end and shift < 70:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
    raise ValueError(f"the number at byte {position} is damaged")
