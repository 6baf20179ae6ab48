"""Checks of the outputs of a network against its spec, on both sides of the connection."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from voxstack import NetworkError
from voxstack.networks import NetworkSpec
from voxstack_isolation.messages import MAX_CACHED, MessageError, Row, rows_of

MAX_OUTPUTS = 2**28
"""Bytes of all outputs of one call: an hour of speech as float32 samples at 16 kHz has less."""
MAX_KNOWN = 256
"""Headers, or shapes of outputs, that were checked and are kept."""


class OutputChecks:
    """The checks of one network. What was checked once is known: the calls of a stream are alike."""

    def __init__(self, spec: NetworkSpec) -> None:
        self._spec = spec
        self._headers: dict[bytes, list[Row]] = {}
        self._rows: set[tuple[Row, ...]] = set()

    def arrays(self, outputs: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """Return the outputs that a runtime produced, C-contiguous, if they are as declared.

        :raises NetworkError: naming an output that is not.
        """
        arrays = {name: np.asarray(outputs[name], order="C") for name in self._spec.outputs}
        rows = rows_of(arrays)
        if rows not in self._rows:
            self._check_arrays(arrays)
            if len(self._rows) < MAX_KNOWN:
                self._rows.add(rows)
        return arrays

    def rows(self, header: bytes, rows: object) -> list[Row]:
        """Return the rows of a header that describe outputs, if they are as declared.

        :param header: in which they are.
        :raises MessageError: if they are not, which an honest process would have reported by itself.
        """
        known = self._headers.get(header)
        if known is None:
            known = self._checked_rows(rows)
            if len(self._headers) < MAX_KNOWN and len(header) <= MAX_CACHED:
                self._headers[header] = known
        return known

    def _check_arrays(self, arrays: Mapping[str, np.ndarray]) -> None:
        name, size = self._spec.name, sum(array.nbytes for array in arrays.values())
        for output, tensor in self._spec.outputs.items():
            if difference := tensor.difference(arrays[output].dtype.name, arrays[output].shape):
                raise NetworkError(
                    f"network {name!r}, output {output!r}: the network gave {difference}; package the network again"
                )
        if size > MAX_OUTPUTS:
            raise NetworkError(
                f"network {name!r}: its outputs have {size} bytes, and those of an isolated network at most "
                f"{MAX_OUTPUTS}; pass less at once"
            )

    def _checked_rows(self, rows: object) -> list[Row]:
        outputs = self._spec.outputs
        if not isinstance(rows, list) or len(rows) != len(outputs):
            raise MessageError("other outputs than the addon declares")
        checked: list[Row] = []
        for row, (name, tensor) in zip(rows, outputs.items(), strict=True):
            dtype = np.dtype(tensor.dtype)
            if not isinstance(row, list) or len(row) != 3 or row[:2] != [name, dtype.str] or not _is_shape(row[2]):
                raise MessageError(f"something else than the output {name!r}")
            if difference := tensor.difference(tensor.dtype, row[2]):
                raise MessageError(f"an output {name!r} {difference}")
            checked.append((name, dtype.str, tuple(row[2])))
        size = sum(np.dtype(dtype).itemsize * math.prod(shape) for _, dtype, shape in checked)
        if size > MAX_OUTPUTS:
            raise MessageError(f"{size} bytes of outputs")
        return checked


def _is_shape(value: object) -> bool:
    return isinstance(value, list) and all(type(size) is int and 0 <= size < 2**48 for size in value)
