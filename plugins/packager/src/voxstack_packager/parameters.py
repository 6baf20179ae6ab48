"""Weights that a ``.pt2`` shares with the ONNX export of its network: the table that says where they lie.

They are inputs of the program, behind the network's own, in the order of ``extra/parameters.json`` in the archive::

    [{"name": "out.weight", "dtype": "float32", "kept": "float16", "shape": [192, 82], "axes": [1, 0], "offset": 1024, "crc32": 7}, ...]

A tensor lies at ``offset`` in the file of weights, C-contiguous, with ``shape`` and the dtype ``kept``; the program takes it with its
axes in the order ``axes`` (as ``numpy.transpose``), and as ``dtype``. ``crc32`` is that of what lies there.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from voxstack_packager.errors import PackagingError
from voxstack_packager.half import as_half

TABLE = "parameters.json"
"""Name of the table among the extra files of a ``.pt2``."""


def row_of(weights: np.ndarray, places: Mapping[bytes, int]) -> dict[str, Any] | None:
    """Where an array lies in the file, in whatever order of axes, and as float16 if it is kept so; None if nowhere.

    :param places: offsets by the SHA-256 of what lies there (:func:`voxstack_packager.sharing.placed`).
    """
    orders = list(itertools.permutations(range(weights.ndim))) if weights.ndim <= 4 else [tuple(range(weights.ndim))]
    for kept in (as_half(weights), weights):
        for order in orders if kept is not None else ():
            turned = np.ascontiguousarray(kept.transpose(order))
            offset = places.get(hashlib.sha256(turned).digest())
            if offset is not None:
                axes = [order.index(i) for i in range(weights.ndim)]
                form = {"kept": str(kept.dtype), "shape": list(turned.shape), "axes": axes}
                return {"dtype": str(weights.dtype), **form, "offset": offset, "crc32": zlib.crc32(turned)}
    return None


def shared_arrays(program: Path, parameters: Path) -> list[np.ndarray]:
    """The weights that a program shares, in the order in which it takes them.

    :raises PackagingError: if other weights lie in the file than those that it was exported with.
    """
    with zipfile.ZipFile(program) as archive:
        name = next(name for name in archive.namelist() if name.endswith(f"/extra/{TABLE}"))
        table = json.loads(archive.read(name))
    data = parameters.read_bytes()
    made = []
    for row in table:
        content = data[row["offset"] :][: np.dtype(row["kept"]).itemsize * int(np.prod(row["shape"]))]
        if zlib.crc32(content) != row["crc32"]:
            raise PackagingError(
                program.name,
                f"its {row['name']!r} is not in {parameters.name} any more; give its module, to export it anew",
            )
        made.append(
            np.frombuffer(content, row["kept"])
            .reshape(row["shape"])
            .transpose(row["axes"])
            .astype(row["dtype"], order="C")
        )
    return made
