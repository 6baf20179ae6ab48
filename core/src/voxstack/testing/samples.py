"""Small networks to try runtimes and wrappers on, as ONNX files and as functions of numpy."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from voxstack.errors import NetworkError
from voxstack.networks.network import Runner
from voxstack.testing.onnx_bytes import Node, Value, onnx_model
from voxstack_addon_spec import NetworkSpec

_RANDOM = np.random.default_rng(3)
_WEIGHT, _BIAS = _RANDOM.standard_normal((3, 2)).astype(np.float32), np.array([0.25, -0.5], np.float32)
_TABLE = _RANDOM.standard_normal((9, 3)).astype(np.float32)


@dataclass(frozen=True)
class SampleNetwork:
    """A network with what it computes.

    :param run: computes the same by numpy.
    :param axis: name of the axis whose length is free.
    :param constants: its parameters by name, for exports in other formats.
    """

    spec: NetworkSpec
    run: Runner
    axis: str
    constants: Mapping[str, np.ndarray]

    def inputs(self, steps: int, batch: int = 1, seed: int = 0) -> dict[str, np.ndarray]:
        """Return random inputs with this number of steps."""
        random, made = np.random.default_rng([steps, batch, seed]), {}
        for name, tensor in self.spec.inputs.items():
            sizes = {"batch": batch, self.axis: steps}
            shape = [sizes[axis] if isinstance(axis, str) else axis for axis in tensor.shape]
            is_whole = tensor.dtype == "int64"
            made[name] = random.integers(0, 9, shape) if is_whole else random.standard_normal(shape).astype(np.float32)
        return made


def frames_network(folder: Path | None = None) -> SampleNetwork:
    """Return a network from ``frames`` (batch, frames, 3) to ``mel`` (batch, frames, 2), which streams."""
    inputs, outputs = {"frames": Value("float32", ["batch", "frames", 3])}, {}
    outputs["mel"] = Value("float32", ["batch", "frames", 2])
    nodes = [
        Node("MatMul", ["frames", "weight"], ["product"]),
        Node("Add", ["product", "bias"], ["sum"]),
        Node("Relu", ["sum"], ["mel"]),
    ]
    constants = {"weight": _WEIGHT, "bias": _BIAS}
    model = onnx_model(nodes, inputs, outputs, constants)
    streaming = {"axis": "frames", "left": 0, "right": 0, "hop": 1}
    spec = _spec("frames", "decoder", inputs, outputs, model, folder, streaming=streaming)

    def run(frames: np.ndarray) -> dict[str, np.ndarray]:
        _require_axes(frames, 3)
        return {"mel": np.maximum(frames @ _WEIGHT + _BIAS, 0, dtype=np.float32)}

    return SampleNetwork(spec, run, "frames", constants)


def tokens_network(folder: Path | None = None) -> SampleNetwork:
    """Return a network from ``tokens`` (batch, tokens) int64 to ``encoded`` (batch, tokens, 3) and ``following``."""
    inputs = {"tokens": Value("int64", ["batch", "tokens"])}
    outputs = {"encoded": Value("float32", ["batch", "tokens", 3]), "following": Value("int64", ["batch", "tokens"])}
    nodes = [Node("Gather", ["table", "tokens"], ["encoded"]), Node("Add", ["tokens", "one"], ["following"])]
    constants: dict[str, np.ndarray] = {"table": _TABLE, "one": np.array([1], np.int64)}
    model = onnx_model(nodes, inputs, outputs, constants)
    spec = _spec("tokens", "encoder", inputs, outputs, model, folder)

    def run(tokens: np.ndarray) -> dict[str, np.ndarray]:
        _require_axes(tokens, 2)
        return {"encoded": _TABLE[tokens], "following": tokens + 1}

    return SampleNetwork(spec, run, "tokens", constants)


def _require_axes(array: np.ndarray, axes: int) -> None:
    if array.ndim != axes:
        raise NetworkError(f"the network takes {axes} axes, not the shape {array.shape}")


def _spec(
    name: str,
    role: str,
    inputs: Mapping[str, Value],
    outputs: Mapping[str, Value],
    model: bytes,
    folder: Path | None,
    **more: Any,
) -> NetworkSpec:
    place = Path(tempfile.mkdtemp(prefix="voxstack-contract-")) if folder is None else folder
    file = f"{name}.onnx"
    (place / file).write_bytes(model)
    config = {
        "role": role,
        "inputs": {key: {"dtype": value.dtype, "shape": list(value.shape)} for key, value in inputs.items()},
        "outputs": {key: {"dtype": value.dtype, "shape": list(value.shape)} for key, value in outputs.items()},
        "exports": [{"format": "onnx", "symbol": file}],
        **more,
    }
    digest = hashlib.sha256(model).hexdigest()
    return NetworkSpec.of(name, config, digest, lambda path: place / path, trusted=True)
