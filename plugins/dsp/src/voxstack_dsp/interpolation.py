"""Interpolation between samples, at any ratio of rates."""

from __future__ import annotations

import functools
import math

import numpy as np

_CROSSINGS = 16  # of the sinc on either side
_PHASES = 512
_PART = 4096  # samples of the output that are computed at a time: bounds memory


class Interpolator:
    """Reads one stream at places ``ratio`` apart, by a windowed sinc (J. O. Smith, "Digital Audio Resampling").

    Where places are further apart than samples, the sinc is as wide as avoids aliases. Its values are interpolated from
    a table of 512 phases; the error is 90 dB below the signal.

    :param ratio: distance of places, in samples.
    """

    def __init__(self, ratio: float) -> None:
        self._ratio = ratio
        self._table = _table(ratio)
        self.reach = self._table.shape[1] // 2
        """Samples on either side of a place that are read."""
        self._start = -self.reach
        self._held = np.zeros(self.reach)
        self._made = 0

    def read(self, samples: np.ndarray, limit: float = math.inf) -> np.ndarray:
        """Return the samples, float64, at the places that the next samples complete.

        :param limit: number of places in the whole stream.
        """
        self._held = np.concatenate([self._held, samples])
        # A place between samples i and i + 1 reads up to sample i + reach.
        complete = self._start + len(self._held) - self.reach
        stop = int(min(limit, max(self._made, math.ceil(complete / self._ratio))))
        parts = [self._at(first, min(first + _PART, stop)) for first in range(self._made, stop, _PART)]
        self._made = max(stop, self._made)
        keep = math.floor(self._made * self._ratio) - self.reach
        if keep > self._start:
            self._held, self._start = self._held[keep - self._start :], keep
        return np.concatenate(parts) if parts else np.zeros(0)

    def _at(self, first: int, stop: int) -> np.ndarray:
        """Return the samples at places ``first`` to before ``stop``."""
        places = np.arange(first, stop) * self._ratio
        whole = np.floor(places)
        phases = (places - whole) * _PHASES
        rows = phases.astype(np.int64)
        share = (phases - rows)[:, None]
        weights = self._table[rows] * (1 - share) + self._table[rows + 1] * share
        offsets = whole.astype(np.int64) - self.reach + 1 - self._start
        windows = np.lib.stride_tricks.sliding_window_view(self._held, 2 * self.reach)[offsets]
        with np.errstate(over="ignore", invalid="ignore"):
            sums: np.ndarray = (windows * weights).sum(1)
        return sums


@functools.cache
def _table(ratio: float) -> np.ndarray:
    """Return the weights of the samples around a place, (phases + 1, 2 * reach), for each phase between two samples."""
    cutoff = min(1.0, 1 / ratio)
    reach = math.ceil(_CROSSINGS / cutoff)
    distances = np.arange(-reach + 1, reach + 1) - np.arange(_PHASES + 1)[:, None] / _PHASES
    window = np.kaiser(2 * 4096 + 1, 9.0)
    shape = np.interp(np.abs(distances) / reach, np.linspace(0, 1, 4097), window[4096:], right=0.0)
    weights = cutoff * np.sinc(cutoff * distances) * shape
    table: np.ndarray = weights / weights.sum(1, keepdims=True)
    table.flags.writeable = False
    return table
