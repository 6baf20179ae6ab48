"""How networks of transformers are exported, and examples for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

PLAIN: Mapping[str, Any] = {"half": False, "formats": ("onnx",)}
"""With the weights as they are, so that they say what the original says."""


def drawn(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Example numbers, standard normal, float32."""
    return rng.standard_normal(shape).astype(np.float32)
