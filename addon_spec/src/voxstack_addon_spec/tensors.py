"""The inputs and outputs of networks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Tensor:
    """An input or output: dtype and named axes. A mask input has 1 for real and 0 for padded steps of its last axis."""

    dtype: str
    shape: tuple[str | int, ...]
    mask: bool = False

    @property
    def batched(self) -> bool:
        """True if the first axis is the batch."""
        return self.shape[:1] == ("batch",)

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Tensor:
        """Parse the validated JSON of an input or output."""
        return cls(config["dtype"], tuple(config["shape"]), config.get("mask", False))


@dataclass(frozen=True)
class Length:
    """Length of an output axis: ``times`` the length of an input axis."""

    axis: str
    times: int
