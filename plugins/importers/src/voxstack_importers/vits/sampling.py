"""The sampling of the frames of a VITS inside its flow, for a flow that needs all frames of a sentence at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from voxstack_importers.graphs import operator
from voxstack_importers.vits.original import VitsRun
from voxstack_importers.vits.parts import VitsParts

if TYPE_CHECKING:
    from onnx import NodeProto

Sampling = tuple[dict[str, Any], list["NodeProto"], dict[str, np.ndarray], dict[str, np.ndarray]]


def sampling(parts: VitsParts, run: VitsRun) -> Sampling:
    """Return how frames are sampled: inputs, operators, their constants, and the arrays of one run.

    The inputs are ``prior``, the means and the logarithms of the deviations of all frames, ``noise``, ``noise_scale``
    and ``mask``; the operators compute the sample and the mask that the graph's flow reads.
    """
    channels = run.sample.shape[1]
    inputs: dict[str, Any] = {
        "prior": ("float32", ["batch", "frames", 2 * channels]),
        "noise": ("float32", ["batch", "frames", channels]),
        "noise_scale": ("float32", ["batch"]),
        "mask": ("float32", ["batch", "frames"], True),
    }
    constants = {
        "first": np.array([0], np.int64),
        "middle": np.array([channels], np.int64),
        "last": np.array([2 * channels], np.int64),
        "channel_axis": np.array([2], np.int64),
        "scalars": np.array([-1, 1, 1], np.int64),
        "as_channel": np.array([0, 1, -1], np.int64),
    }
    before = [
        operator("Slice", ["prior", "first", "middle", "channel_axis"], "prior_means"),
        operator("Slice", ["prior", "middle", "last", "channel_axis"], "prior_logs"),
        operator("Exp", ["prior_logs"], "deviations"),
        operator("Mul", ["noise", "deviations"], "deviating"),
        operator("Reshape", ["noise_scale", "scalars"], "factor"),
        operator("Mul", ["deviating", "factor"], "scaled"),
        operator("Add", ["prior_means", "scaled"], "sampled"),
        operator("Transpose", ["sampled"], parts.sample, perm=[0, 2, 1]),
        operator("Reshape", ["mask", "as_channel"], parts.mask),
    ]
    prior = np.repeat(np.concatenate([run.means, run.logs], 2), run.durations.reshape(-1).astype(int), axis=1)
    golden = {"prior": prior, "noise": run.noise.transpose(0, 2, 1), "noise_scale": run.scales[:1]}
    golden["mask"] = np.ones(prior.shape[:2], np.float32)
    return inputs, before, constants, golden
