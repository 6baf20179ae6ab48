"""ONNX files of a few operations, written without the package ``onnx``: fields of protocol buffers by number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

_TYPES = {"float32": 1, "int64": 7}
_IR_VERSION, _OPSET = 8, 17


class Node(NamedTuple):
    """One operation: its type, and the names of its inputs and outputs."""

    op: str
    inputs: Sequence[str]
    outputs: Sequence[str]


class Value(NamedTuple):
    """An input or an output: its dtype, and its axes by name or size."""

    dtype: str
    shape: Sequence[str | int]


def onnx_model(
    nodes: Iterable[Node],
    inputs: Mapping[str, Value],
    outputs: Mapping[str, Value],
    constants: Mapping[str, np.ndarray],
) -> bytes:
    """Return an ONNX file of these operations, which are listed in an order in which they can run."""
    graph = b"".join(
        [
            *(_message(1, _node(node)) for node in nodes),
            _text(2, "graph"),
            *(_message(5, _tensor(name, array)) for name, array in constants.items()),
            *(_message(11, _value(name, value)) for name, value in inputs.items()),
            *(_message(12, _value(name, value)) for name, value in outputs.items()),
        ]
    )
    opset = _text(1, "") + _number(2, _OPSET)
    return _number(1, _IR_VERSION) + _message(7, graph) + _message(8, opset)


def _node(node: Node) -> bytes:
    names = [_text(1, name) for name in node.inputs] + [_text(2, name) for name in node.outputs]
    return b"".join(names) + _text(4, node.op)


def _tensor(name: str, array: np.ndarray) -> bytes:
    dims = b"".join(_number(1, size) for size in array.shape)
    little = array.astype(array.dtype.newbyteorder("<"))
    return dims + _number(2, _TYPES[array.dtype.name]) + _text(8, name) + _message(9, little.tobytes())


def _value(name: str, value: Value) -> bytes:
    axes = (_text(2, axis) if isinstance(axis, str) else _number(1, axis) for axis in value.shape)
    shape = b"".join(_message(1, axis) for axis in axes)
    tensor = _number(1, _TYPES[value.dtype]) + _message(2, shape)
    return _text(1, name) + _message(2, _message(1, tensor))


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _text(field: int, text: str) -> bytes:
    return _message(field, text.encode())


def _message(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    parts = []
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])
