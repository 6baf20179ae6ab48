"""The table of the weights that a ``.pt2`` shares with the ONNX export of its network.

They are inputs of the program, after those of the network, in the order of ``extra/parameters.json`` in the archive::

    [{"name": "out.weight", "dtype": "float32", "kept": "float16", "shape": [192, 82], "axes": [1, 0],
      "offset": 1024, "crc32": 7}, ...]

A tensor is stored at ``offset`` in the file of weights, C-contiguous, with ``shape`` and the dtype ``kept``; the
program accepts it with its axes in the order ``axes`` (as ``numpy.transpose``), and as ``dtype``. ``crc32`` is that of
the stored bytes.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from voxstack_packager.errors import PackagingError
from voxstack_packager.export.float16_weights import as_float16

TABLE = "parameters.json"
"""Name of the table among the extra files of a ``.pt2``."""


def table_row(weights: np.ndarray, offsets: Mapping[bytes, int]) -> dict[str, Any] | None:
    """Return where an array is stored in the file of weights, in any order of axes and as float16 or as it is.

    :param offsets: offsets by the SHA-256 of the stored bytes
        (:func:`voxstack_packager.export.shared_weights.weight_offsets`).
    :returns: the row of the table without ``name``; None if the array is not in the file.
    """
    orders = list(itertools.permutations(range(weights.ndim))) if weights.ndim <= 4 else [tuple(range(weights.ndim))]
    for kept in _stored_forms(weights):
        for order in orders:
            stored = np.ascontiguousarray(kept.transpose(order))
            content = stored.tobytes()
            offset = offsets.get(hashlib.sha256(content).digest())
            if offset is not None:
                axes = [order.index(i) for i in range(weights.ndim)]
                layout = {"kept": str(kept.dtype), "shape": list(stored.shape), "axes": axes}
                return {"dtype": str(weights.dtype), **layout, "offset": offset, "crc32": zlib.crc32(content)}
    return None


def _stored_forms(weights: np.ndarray) -> Iterator[np.ndarray]:
    half = as_float16(weights)
    if half is not None:
        yield half
    yield weights


def read_shared_weights(program: Path, parameters: Path) -> list[np.ndarray]:
    """Return the weights that a ``.pt2`` shares, in the order of its inputs.

    :param parameters: the file of weights.
    :raises PackagingError: if the file contains other weights than those that the program was exported with.
    """
    with zipfile.ZipFile(program) as archive:
        name = next(name for name in archive.namelist() if name.endswith(f"/extra/{TABLE}"))
        table = json.loads(archive.read(name))
    data = parameters.read_bytes()
    weights = []
    for row in table:
        content = data[row["offset"] :][: np.dtype(row["kept"]).itemsize * int(np.prod(row["shape"]))]
        if zlib.crc32(content) != row["crc32"]:
            problem = (
                f"its {row['name']!r} is not in {parameters.name} any more; provide its module, to export it again"
            )
            raise PackagingError(program.name, problem)
        stored = np.frombuffer(content, row["kept"]).reshape(row["shape"])
        weights.append(stored.transpose(row["axes"]).astype(row["dtype"], order="C"))
    return weights
