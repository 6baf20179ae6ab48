"""Checks of the outputs of a network against its spec, on both sides of the connection."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from voxstack import NetworkError
from voxstack.networks import NetworkSpec
from voxstack_isolation.messages import MessageError, Row

MAX_OUTPUTS = 2**28
"""Bytes of all outputs of one call: an hour of speech as float32 samples at 16 kHz has less."""


def checked_outputs(spec: NetworkSpec, outputs: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return the outputs that a runtime produced, if they are as declared.

    :raises NetworkError: naming an output that is not.
    """
    checked = {}
    for name, tensor in spec.outputs.items():
        array = np.asarray(outputs[name])
        if difference := tensor.difference(array.dtype.name, array.shape):
            raise NetworkError(
                f"network {spec.name!r}, output {name!r}: the network gave {difference}; package the network again"
            )
        checked[name] = array
    size = sum(array.nbytes for array in checked.values())
    if size > MAX_OUTPUTS:
        raise NetworkError(
            f"network {spec.name!r}: its outputs have {size} bytes, and those of an isolated network at most "
            f"{MAX_OUTPUTS}; pass less at once"
        )
    return checked


def checked_rows(spec: NetworkSpec, rows: object) -> list[Row]:
    """Return the rows of a header that describe outputs, if they are as declared.

    :raises MessageError: if they are not, which an honest process would have reported by itself.
    """
    if not isinstance(rows, list) or len(rows) != len(spec.outputs):
        raise MessageError("other outputs than the addon declares")
    checked: list[Row] = []
    size = 0
    for row, (name, tensor) in zip(rows, spec.outputs.items(), strict=True):
        dtype = np.dtype(tensor.dtype)
        if not isinstance(row, list) or len(row) != 3 or row[:2] != [name, dtype.str] or not _is_shape(row[2]):
            raise MessageError(f"something else than the output {name!r}")
        if difference := tensor.difference(tensor.dtype, row[2]):
            raise MessageError(f"an output {name!r} {difference}")
        size += dtype.itemsize * math.prod(row[2])
        checked.append((name, dtype.str, row[2]))
    if size > MAX_OUTPUTS:
        raise MessageError(f"{size} bytes of outputs")
    return checked


def _is_shape(value: object) -> bool:
    return isinstance(value, list) and all(type(size) is int and 0 <= size < 2**48 for size in value)
