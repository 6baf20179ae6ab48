"""Exports that share their weights: each weight once, in one file beside them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

SMALLEST = 128
"""Bytes of the smallest weights that lie beside; smaller ones stay in the symbol, where they cost no more than their place."""

ALIGNMENT = 64
"""Weights begin at multiples of so many bytes, so that they can be used where they are mapped."""


def save_together(models: Mapping[Path, Any], data: Path) -> None:
    """Write ONNX models whose weights lie in ``data``, in the same folder; equal weights of any of them are written once.

    Weights of the first model come first, and where they come does not depend on the others. The models themselves stay as they are.
    """
    import onnx
    from onnx import external_data_helper, numpy_helper

    places: dict[bytes, int] = {}
    content = bytearray()
    for path, model in models.items():
        shown = onnx.ModelProto()
        shown.CopyFrom(model)
        for tensor in shown.graph.initializer:
            if not tensor.HasField("raw_data"):
                tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor), tensor.name))
            raw = tensor.raw_data
            if len(raw) < SMALLEST:
                continue
            if raw not in places:
                content.extend(bytes(-len(content) % ALIGNMENT))
                places[raw] = len(content)
                content.extend(raw)
            external_data_helper.set_external_data(tensor, data.name, places[raw], len(raw))
            tensor.ClearField("raw_data")
        path.write_bytes(shown.SerializeToString(deterministic=True))
    data.write_bytes(content)


def placed(symbol: Path, data: Path) -> dict[bytes, int]:
    """Where the weights of an ONNX model lie in its file of weights: offsets by the SHA-256 of what lies there."""
    import onnx
    from onnx.external_data_helper import ExternalDataInfo

    content = memoryview(data.read_bytes())
    made = {}
    for tensor in onnx.load(symbol, load_external_data=False).graph.initializer:
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            info = ExternalDataInfo(tensor)
            start = info.offset or 0
            made[hashlib.sha256(content[start : start + (info.length or len(content) - start)]).digest()] = start
    return made
