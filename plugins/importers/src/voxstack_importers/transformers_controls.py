"""What imported models of transformers have in common: controls, examples, and how they are exported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

PLAIN: Mapping[str, Any] = {"half": False, "formats": ("onnx",)}
"""How networks are exported: with the weights as they are, so that they say what the original says."""

SEED: Mapping[str, Any] = {
    "seed": {"type": "integer", "default": 0, "minimum": 0, "description": "Another number says it in another way."},
}


def number(default: float, least: float, most: float, told: str) -> dict[str, Any]:
    """A control that is a number."""
    return {"type": "number", "default": default, "minimum": least, "maximum": max(most, default), "description": told}


def who(names: Sequence[str]) -> dict[str, Any]:
    """The control that says who speaks, where there are several; the first, unless asked."""
    return {"speaker": {"type": "string", "default": names[0], "enum": list(names), "description": "Who speaks."}} if names else {}


def drawn(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Example numbers, standard normal, float32."""
    return rng.standard_normal(shape).astype(np.float32)
