"""A check of an ONNX file before it is opened: whether it is one, and whole."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from voxstack_packager import PackagingError

_GRAPH = 7
"""The number of the field of a ModelProto that holds the graph."""
_MAX_FIELDS = 1000
_FIXED = {1: 8, 5: 4}
"""Bytes of the values of fixed size, by the kind of their field."""

_BEGINNINGS = {
    b"version https://git-lfs": "is a pointer of Git LFS, not the file itself; download the file: git lfs pull",
    b"<": "is a web page, not a model; download the file itself",
    b"PK\x03\x04": "is an archive, such as a table of voices (.npz); give the .onnx of the model",
    b"\x93NUMPY": "is an array of NumPy, such as the style of a voice; give the .onnx of the model",
    b"\x80\x02": "is a pickle of torch, not an ONNX graph; export the model to ONNX first",
}
"""What a file is that begins with these bytes, and what to do."""


def check_onnx_file(path: Path) -> None:
    """Check that a file is a whole ONNX model, reading only the lengths of its outermost fields.

    :raises PackagingError: saying what the file is, or how much of it is missing.
    """
    if not path.is_file():
        found = sorted(file.name for file in path.glob("*.onnx")) if path.is_dir() else []
        listing = f"; it holds {', '.join(found[:5])}" if found else ""
        problem = f"is {'a folder' if path.is_dir() else 'not there'}{listing}; give the .onnx of the model"
        raise PackagingError(str(path), problem)
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(64)
        for beginning, problem in _BEGINNINGS.items():
            if head.lstrip().startswith(beginning):
                raise PackagingError(path.name, problem)
        file.seek(0)
        end, has_graph = _end_of_fields(file, size)
    if end is not None and end > size:
        missing = f"has {size / 1e6:.1f} MB of the {end / 1e6:.1f} MB of the model"
        raise PackagingError(path.name, f"{missing}: it is one part of it, or the download was cut off; {_JOIN}")
    if end is None or not has_graph:
        raise PackagingError(path.name, f"does not begin as an ONNX model does; if it is one of several parts, {_JOIN}")


_JOIN = "join all parts in their order (cat part1 part2 ... > model.onnx), or download it again"


def _end_of_fields(file: BinaryIO, size: int) -> tuple[int | None, bool]:
    """Return where the last field ends by its own length, and whether there is a graph; None for what is no message."""
    position, has_graph = 0, False
    for _ in range(_MAX_FIELDS):
        if position >= size:
            return position, has_graph
        file.seek(position)
        key, taken = _varint(file.read(10))
        kind = key & 7
        start = position + taken
        file.seek(start)
        value, length = _varint(file.read(10))
        if not taken or not key >> 3 or (kind not in _FIXED and not length):
            return None, has_graph
        if kind not in (0, 2, *_FIXED):
            return None, has_graph
        position = start + _FIXED[kind] if kind in _FIXED else start + length + (value if kind == 2 else 0)
        has_graph = has_graph or (key >> 3 == _GRAPH and kind == 2)
        if position > size:
            return (position, True) if has_graph else (None, False)
    return None, has_graph


def _varint(data: bytes) -> tuple[int, int]:
    """Return the integer of variable length that data begins with, and its length in bytes; 0 bytes: none."""
    value = 0
    for index, byte in enumerate(data):
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            return value, index + 1
    return 0, 0
