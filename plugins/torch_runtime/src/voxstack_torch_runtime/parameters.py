"""Weights that a ``.pt2`` shares with another export of its network, stored in a file beside it.

They are inputs of the program, after the network's own, in the order of the archive's ``extra/parameters.json``: a list
of ``{"name", "dtype", "kept", "shape", "axes", "offset", "crc32"}``. A tensor is stored at ``offset`` in bytes,
C-contiguous, with ``shape`` and the dtype ``kept``; the program accepts it with its axes in the order ``axes`` (as
``Tensor.permute``), as ``dtype``. ``crc32`` is the checksum of its bytes.
"""

from __future__ import annotations

import json
import math
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import torch

TABLE = "parameters.json"

DTYPES = ("float64", "float32", "float16", "int64", "int32", "int16", "int8", "uint8", "bool")


def shared_tensors(table: str, path: Path) -> list[torch.Tensor]:
    """Return the tensors of a table, in its order.

    Tensors that are stored in the dtype that they are computed in stay where the file is mapped.

    :param table: JSON text.
    :raises ValueError: if the table refers to bytes that are not in the file, or were others when the program was
        exported.
    """
    size = path.stat().st_size
    # "c", copy on write: nothing writes, but torch warns of read-only arrays
    data = np.memmap(path, np.uint8, "c") if size else np.empty(0, np.uint8)
    return [_tensor(row, data, path.name) for row in json.loads(table)]


def _tensor(row: dict[str, Any], data: np.ndarray, file: str) -> torch.Tensor:
    import torch

    name, stored, wanted, shape, offset = (row[key] for key in ("name", "kept", "dtype", "shape", "offset"))
    if stored not in DTYPES or wanted not in DTYPES:
        raise ValueError(
            f"its weights {name!r} are {stored}, computed in {wanted}; supported dtypes are {', '.join(DTYPES)}"
        )
    length = np.dtype(stored).itemsize * math.prod(shape)
    if offset < 0 or any(steps < 0 for steps in shape) or offset + length > len(data):
        raise ValueError(
            f"its weights {name!r}, {stored} {shape} at {offset}, are not within the {len(data)} bytes of {file}"
        )
    content = data[offset : offset + length]
    if zlib.crc32(content.data) != row["crc32"]:
        raise ValueError(
            f"its weights {name!r} are not those in {file}, which is of another export; export the network again"
        )
    dtype = getattr(torch, stored)
    tensor = torch.from_numpy(content).view(dtype) if length else torch.empty(0, dtype=dtype)
    return tensor.reshape(shape).permute(row["axes"]).to(getattr(torch, wanted)).contiguous()
