"""Histograms that are filled chunk by chunk, and added to each other."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from voxstack import VoxstackError

Scale = Literal["linear", "db"]
QUANTILES = (0.01, 0.05, 0.5, 0.95, 0.99)


class RunningHistogram:
    """Counts of the values of streams in bins of equal width; those of several streams can be added.

    :param low: lower end of the first bin.
    :param high: upper end of the last bin, which is part of it.
    :param bins: number of bins.
    :param scale: ``linear`` counts the values, ``db`` their magnitudes, 20 * log10, where 1 is 0 dB.
    """

    def __init__(self, low: float, high: float, bins: int, scale: Scale = "linear") -> None:
        self.low, self.high, self.scale = low, high, scale
        self.counts = np.zeros(bins, np.int64)
        """(bins,) int64."""
        self.below = self.above = self.not_finite = 0
        """Values that no bin has: below ``low`` (0 in dB as well), above ``high``, NaNs and infinities."""

    @property
    def total(self) -> int:
        """Number of finite values."""
        return int(self.counts.sum()) + self.below + self.above

    @property
    def edges(self) -> np.ndarray:
        """Edges of the bins, (bins + 1,) float64."""
        return np.linspace(self.low, self.high, len(self.counts) + 1)

    def add(self, values: np.ndarray) -> None:
        """Count all values of an array of numbers; of complex ones, the magnitudes."""
        values = np.abs(values) if values.dtype.kind == "c" else values
        numbers = values.astype(np.float64).ravel()
        finite = numbers[np.isfinite(numbers)]
        self.not_finite += len(numbers) - len(finite)
        if self.scale == "db":
            with np.errstate(divide="ignore"):
                finite = 20 * np.log10(np.abs(finite))
        inside = finite[(finite >= self.low) & (finite <= self.high)]
        places = ((inside - self.low) * (len(self.counts) / (self.high - self.low))).astype(np.int64)
        self.counts += np.bincount(np.minimum(places, len(self.counts) - 1), minlength=len(self.counts))
        self.below += int((finite < self.low).sum())
        self.above += int((finite > self.high).sum())

    def merge(self, other: RunningHistogram) -> None:
        """Add the counts of another histogram.

        :raises VoxstackError: if its bins are not the same.
        """
        own, theirs = ((h.low, h.high, len(h.counts), h.scale) for h in (self, other))
        if own != theirs:
            raise VoxstackError(f"histograms of other bins cannot be added: {theirs} to {own}; use the same fields")
        self.counts += other.counts
        self.below += other.below
        self.above += other.above
        self.not_finite += other.not_finite

    def quantile(self, share: float) -> float | None:
        """Return the value that this share of all finite values is below, within a bin; None if there are none.

        It is infinite if it lies outside the bins.
        """
        wanted, below = share * self.total, self.below
        if not self.total:
            return None
        if wanted < below:
            return -math.inf
        for count, edge in zip(self.counts.tolist(), self.edges.tolist(), strict=False):
            if count and below + count >= wanted:
                return float(edge + (wanted - below) / count * (self.high - self.low) / len(self.counts))
            below += count
        return math.inf

    def row(self) -> dict[str, Any]:
        """Return the histogram, as JSON."""
        return {
            "low": self.low,
            "high": self.high,
            "scale": self.scale,
            "counts": self.counts.tolist(),
            "below": self.below,
            "above": self.above,
            "not_finite": self.not_finite,
        }

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> RunningHistogram:
        """Return the histogram of a row, such as a line of the file that ``Histogram`` writes."""
        made = cls(row["low"], row["high"], len(row["counts"]), row["scale"])
        made.counts += np.asarray(row["counts"], np.int64)
        made.below, made.above, made.not_finite = row["below"], row["above"], row["not_finite"]
        return made
