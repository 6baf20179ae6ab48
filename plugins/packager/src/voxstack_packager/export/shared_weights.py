"""ONNX exports that share their weights: each weight once, in one file of external data."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onnx import ModelProto

SMALLEST = 128
"""Bytes of the smallest external weights; smaller ones stay in the ``.onnx``, where a reference would be as large."""

ALIGNMENT = 64
"""Weights begin at multiples of this number of bytes, so that they can be used where they are mapped."""


def save_with_shared_weights(models: Mapping[Path, ModelProto], data: Path) -> None:
    """Write ONNX models whose weights are in ``data``, in the same folder; equal weights are written once.

    Weights of the first model come first, at offsets that do not depend on the other models. The models are not
    changed.
    """
    import onnx
    from onnx import external_data_helper, numpy_helper

    offsets: dict[bytes, int] = {}
    content = bytearray()
    for path, model in models.items():
        external = onnx.ModelProto()
        external.CopyFrom(model)
        for tensor in external.graph.initializer:
            if not tensor.HasField("raw_data"):
                tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor), tensor.name))
            raw = tensor.raw_data
            if len(raw) < SMALLEST:
                continue
            if raw not in offsets:
                content.extend(bytes(-len(content) % ALIGNMENT))
                offsets[raw] = len(content)
                content.extend(raw)
            external_data_helper.set_external_data(tensor, data.name, offsets[raw], len(raw))
            tensor.ClearField("raw_data")
        path.write_bytes(external.SerializeToString(deterministic=True))
    data.write_bytes(content)


def save_with_external_data(path: Path, model: ModelProto) -> dict[str, str]:
    """Write an ONNX model with its weights in a file beside it, and return its entry of ``exports``."""
    data = path.with_name(f"{path.name}.data")
    save_with_shared_weights({path: model}, data)
    return {"format": "onnx", "symbol": path.name, "parameters": data.name}


def weight_offsets(symbol: Path, data: Path) -> dict[bytes, int]:
    """Return the offset in the external data of each weight of an ONNX model, by the SHA-256 of its bytes."""
    import onnx
    from onnx.external_data_helper import ExternalDataInfo

    content = memoryview(data.read_bytes())
    offsets = {}
    for tensor in onnx.load(symbol, load_external_data=False).graph.initializer:
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            info = ExternalDataInfo(tensor)
            start = info.offset or 0
            end = start + (info.length or len(content) - start)
            offsets[hashlib.sha256(content[start:end]).digest()] = start
    return offsets
