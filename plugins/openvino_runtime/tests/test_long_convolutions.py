"""Convolutions that reach further than the steps that OpenVINO assumes an axis of unknown size to have."""

from __future__ import annotations

import numpy as np
import pytest

openvino = pytest.importorskip("openvino")
from openvino import opset13 as ops  # noqa: E402

from voxstack_openvino_runtime.long_convolutions import widen_long_convolutions  # noqa: E402

CHANNELS = 4


def filters_of(kernel: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((CHANNELS, CHANNELS, 1, kernel), np.float32)


def source(steps: int) -> np.ndarray:
    return np.random.default_rng(steps).standard_normal((1, CHANNELS, 1, steps), np.float32)


def convolution(kernel: int, dilation: int, pads: tuple[int, int], steps: int = -1) -> openvino.Model:
    """Return a model of one convolution over the last axis of images that are one row high."""
    x = ops.parameter([-1, CHANNELS, 1, steps], np.float32)
    y = ops.convolution(x, ops.constant(filters_of(kernel)), [1, 1], [0, pads[0]], [0, pads[1]], [1, dilation])
    return openvino.Model([ops.relu(y)], [x])


def run(model: openvino.Model, steps: int) -> tuple[np.ndarray, str]:
    """Return the output for some steps, and the kernel that computed it."""
    properties = {"PERF_COUNT": True, "INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1}
    request = openvino.Core().compile_model(model, "CPU", properties).create_infer_request()
    request.infer([source(steps)])
    kinds = [node.exec_type for node in request.profiling_info if node.node_type == "Convolution"]
    return request.get_output_tensor().data.copy(), kinds[0]


def expected(kernel: int, dilation: int, pads: tuple[int, int], steps: int) -> np.ndarray:
    """Return what the convolution and the rectifier after it compute, in float64."""
    padded = np.pad(source(steps)[0, :, 0].astype(np.float64), ((0, 0), pads))
    count = padded.shape[1] - dilation * (kernel - 1)
    taps = np.stack([padded[:, tap * dilation : tap * dilation + count] for tap in range(kernel)], -1)
    return np.maximum(np.einsum("ock,cnk->on", filters_of(kernel)[:, :, 0], taps), 0)[None, :, None]


@pytest.mark.parametrize(("kernel", "dilation", "pads"), [(7, 12, (0, 0)), (3, 40, (2, 1)), (7, 12, (4, 4))])
def test_the_output_stays_the_same_and_no_reference_kernel_computes_it(kernel, dilation, pads) -> None:
    model = convolution(kernel, dilation, pads)
    assert widen_long_convolutions(model) == 1
    for steps in (kernel * dilation, 100, 333):
        output, implementation = run(model, steps)
        np.testing.assert_allclose(output, expected(kernel, dilation, pads, steps), atol=1e-4)
        assert not implementation.startswith("ref")


@pytest.mark.parametrize(
    ("kernel", "dilation", "pads", "steps"),
    [(7, 6, (0, 0), -1), (7, 12, (36, 36), -1), (7, 12, (0, 0), 200)],
    ids=["short", "padded", "of known size"],
)
def test_others_are_left_as_they_are(kernel, dilation, pads, steps) -> None:
    assert widen_long_convolutions(convolution(kernel, dilation, pads, steps)) == 0
