"""What a request may set of an imported voice: controls, as addon.json has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

SEED: Mapping[str, Any] = {
    "seed": {"type": "integer", "default": 0, "minimum": 0, "description": "Another number says it in another way."},
}


def number(default: float, least: float, most: float, told: str) -> dict[str, Any]:
    """A control that is a number."""
    return {"type": "number", "default": default, "minimum": least, "maximum": max(most, default), "description": told}


def rate(least: float = 0.25, most: float = 4.0) -> dict[str, Any]:
    """The control of the speed."""
    return {"rate": number(1.0, least, most, "Speed, as a factor.")}


def noise_scale(default: float) -> dict[str, Any]:
    """The control of the noise that a voice is drawn with."""
    return {
        "noise_scale": number(default, 0.0, 2.0, "How lively the voice is: 0 is always the same, more varies more.")
    }


def who(names: Sequence[str], default: str | None = None) -> dict[str, Any]:
    """The control that says who speaks; the first, unless another one is the default."""
    return {
        "speaker": {"type": "string", "default": default or names[0], "enum": list(names), "description": "Who speaks."}
    }
