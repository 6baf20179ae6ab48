"""The inputs and outputs of networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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

    def difference(self, dtype: str, shape: Sequence[object] | None) -> str:
        """Return what a file has in place of this declaration, and what is declared; empty if they agree.

        :param shape: in the file: a size of each axis, or anything else where it is free; None: not known.
        """
        if dtype != self.dtype:
            return f"{dtype}, declared as {self.dtype}"
        if shape is None:
            return ""
        agrees = len(shape) == len(self.shape) and not any(
            isinstance(declared, int) and isinstance(found, int) and declared != found
            for declared, found in zip(self.shape, shape, strict=True)
        )
        return "" if agrees else f"of axes {list(shape)}, declared as {list(self.shape)}"

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Tensor:
        """Parse the validated JSON of an input or output."""
        return cls(config["dtype"], tuple(config["shape"]), config.get("mask", False))


@dataclass(frozen=True)
class Length:
    """Length of an output axis: ``times`` the length of an input axis."""

    axis: str
    times: int
