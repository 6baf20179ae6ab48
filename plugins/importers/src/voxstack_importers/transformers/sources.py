"""Networks of imported models, exported with their weights as they are."""

from __future__ import annotations

from typing import Any

import numpy as np

from voxstack_packager import NetworkSource


def network_source(**fields: Any) -> NetworkSource:
    """Return a network whose weights are not rounded, so that it computes what the original computes.

    :param fields: of :class:`voxstack_packager.NetworkSource`.
    """
    return NetworkSource(half=False, formats=("onnx",), **fields)


def normal(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Return example values, standard normal, float32."""
    return rng.standard_normal(shape).astype(np.float32)
