"""Weights that a ``.pt2`` shares with another export of its network, which lie in a file beside it.

They are inputs of the program, behind the network's own, in the order of the archive's ``extra/parameters.json``: a list of
``{"name", "dtype", "kept", "shape", "axes", "offset", "crc32"}``. A tensor lies at ``offset``, C-contiguous, with ``shape`` and the dtype
``kept``; the program takes it with its axes in the order ``axes`` (as ``Tensor.permute``), as ``dtype``. ``crc32`` is that of its bytes.
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
    """The tensors of a table, in its order; those that are kept in the dtype they are computed in stay where the file is mapped.

    :raises ValueError: if the table asks for what does not lie in the file, or did not when the program was exported.
    """
    size = path.stat().st_size
    data = (
        np.memmap(path, np.uint8, "c") if size else np.empty(0, np.uint8)
    )  # nobody writes; "c" as torch warns of what is read-only
    return [_tensor(row, data, path.name) for row in json.loads(table)]


def _tensor(row: dict[str, Any], data: np.ndarray, file: str) -> torch.Tensor:
    import torch

    name, kept, wanted, shape, offset = (row[key] for key in ("name", "kept", "dtype", "shape", "offset"))
    if kept not in DTYPES or wanted not in DTYPES:
        raise ValueError(f"its weights {name!r} are {kept}, computed in {wanted}; known are {', '.join(DTYPES)}")
    length = np.dtype(kept).itemsize * math.prod(shape)
    if offset < 0 or any(steps < 0 for steps in shape) or offset + length > len(data):
        raise ValueError(
            f"its weights {name!r}, {kept} {shape} at {offset}, are not within the {len(data)} bytes of {file}"
        )
    content = data[offset : offset + length]
    if zlib.crc32(content) != row["crc32"]:
        raise ValueError(
            f"its weights {name!r} are not those in {file}, which is of another export; export the network anew"
        )
    tensor = (
        torch.from_numpy(content).view(getattr(torch, kept)) if length else torch.empty(0, dtype=getattr(torch, kept))
    )
    return tensor.reshape(shape).permute(row["axes"]).to(getattr(torch, wanted)).contiguous()
