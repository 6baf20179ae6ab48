"""Networks of real voices in ONNX Runtime: at fixed sizes they compute what they compute at any size."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from voxstack import NetworkError, Registry
from voxstack.networks import Context, Length, NetworkSpec
from voxstack.networks.addon import Addon
from voxstack.networks.opening import NetworkPool

SHAPES = {"tokens": (16, 64, 160), "letters": (8, 32), "frames": (96, 256)}
LENGTHS = (1, 2, 7, 15, 16, 17, 32, 33, 64, 65, 95, 96, 97, 130, 160, 161, 256, 257, 420)
NETWORKS = ("encoder", "durations", "pronunciation", "decoder", "vocoder")


@pytest.fixture(scope="module")
def amber() -> Addon:
    registry = Registry.installed()
    if "amber" not in registry.addons():
        pytest.skip("the voice amber is not installed")
    return Addon.open("amber", registry)


def spec_of(amber: Addon, name: str) -> NetworkSpec:
    spec = amber.networks[name]
    return replace(spec, lengths={"steps": Length("letters", 3)}) if name == "pronunciation" else spec


def inputs_of(spec: NetworkSpec, length: int, rows: int = 1) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(length)
    result: dict[str, np.ndarray] = {}
    for name in spec.needs:
        tensor = spec.inputs[name]
        shape = [rows if axis == "batch" else axis if isinstance(axis, int) else length for axis in tensor.shape]
        result[name] = (
            rng.integers(0, 2, shape) if tensor.dtype == "int64" else rng.standard_normal(shape).astype(np.float32)
        )
    return result


def error(result: Any, plain: Any) -> float:
    for name, wanted in plain.items():
        assert result[name].shape == wanted.shape
    return max(float(np.abs(result[name] - wanted).max() / np.abs(wanted).max()) for name, wanted in plain.items())


@pytest.mark.parametrize("name", NETWORKS)
def test_padded_is_what_unpadded_is(amber: Addon, name: str) -> None:
    spec = spec_of(amber, name)
    free, fixed = (
        amber.registry.shared(NetworkPool).open(spec, Context("onnx", shapes=shapes)) for shapes in ({}, SHAPES)
    )
    largest = fixed.effective.shapes[next(axis for axis in fixed.effective.shapes if axis != "batch")][-1]
    for length in LENGTHS:
        inputs = inputs_of(spec, length)
        if length > largest and spec.streaming is None:
            with pytest.raises(NetworkError, match=f"the largest size is {largest}"):
                fixed(**inputs)
            continue
        assert error(fixed(**inputs), free(**inputs)) < 1e-5, length
    several = inputs_of(spec, 7, rows=3)
    assert error(fixed(**several), free(**several)) < 1e-5
    assert set(fixed.stats["fixed_shapes"]["sizes"]) <= {
        f"batch=1 {axis}={size}" for axis, sizes in SHAPES.items() for size in sizes
    }


def test_a_stream_in_windows_of_fixed_sizes_is_what_it_is_in_any(amber: Addon) -> None:
    """Amber's decoder, then prism's vocoder, each fed in chunks with the context that it needs, as a Decoder does."""
    from voxstack import windows

    for name, features in (("decoder", 198), ("vocoder", 80)):
        spec = spec_of(amber, name)
        free, fixed = (
            amber.registry.shared(NetworkPool).open(spec, Context("onnx", shapes=shapes)) for shapes in ({}, SHAPES)
        )
        assert spec.streaming is not None
        frames = np.random.default_rng(0).standard_normal((500, features)).astype(np.float32)
        (output,) = spec.streamed
        (key,) = spec.needs
        whole = free.run_single(**{key: frames})[output]
        chunks = iter(np.split(frames, [54 + 39, 54 + 39 + 54, 400]))
        streaming = spec.streaming
        parts = [
            fixed.run_single(**{key: part})[output][skip : skip + count]
            for part, skip, count, _ in windows(chunks, streaming.left, streaming.right)
        ]
        assert error({output: np.concatenate(parts)}, {output: whole}) < 1e-5
