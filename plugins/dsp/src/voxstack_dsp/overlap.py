"""Overlap-add by similarity: the same speech in more or less time, at its pitch."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

_HOP_SECONDS = 0.02  # half a frame, in which two of them are joined: two periods of a voice of 100 Hz
_SEARCH_SECONDS = 0.01  # on either side: a period of a voice of 50 Hz in all


class Stretcher:
    """The stretching of one stream by WSOLA: W. Verhelst and M. Roelands (ICASSP 1993).

    The output consists of frames of 40 ms, joined by halves of a Hann window. Each is taken from the input near to its
    place there, where it resembles most what follows the frame before: by the normalised cross-correlation of the half
    that overlaps. Places count from the beginning of the stream, so that they do not depend on how it is cut.

    :param rate: speed as a factor: 2 takes half as long.
    :param sample_rate: sample rate, Hz.
    """

    def __init__(self, rate: float, sample_rate: int) -> None:
        self._rate = rate
        self._hop = max(2, round(_HOP_SECONDS * sample_rate))
        self._search = max(1, round(_SEARCH_SECONDS * sample_rate))
        self._rise = 0.5 - 0.5 * np.cos(np.pi * (np.arange(self._hop) + 0.5) / self._hop)
        # The input from ``_start`` on, with silence before the stream.
        self._start = -self._hop - self._search
        self._held = np.zeros(-self._start)
        self._frames, self._place = 0, -self._hop  # of those that were chosen: the number, and where the last begins
        self._read = self._written = 0

    @property
    def lookahead(self) -> int:
        """Samples of the input that are read beyond the one that a sample of the output stands for."""
        return max(math.ceil(self._hop * self._rate) + 1, self._hop) + self._search

    def read(self, samples: np.ndarray) -> Iterator[np.ndarray]:
        """Read the next samples, and yield the float64 samples of the output that they complete."""
        self._held = np.concatenate([self._held, samples])
        self._read += len(samples)
        while self._needed() <= self._read:
            yield self._next()

    def rest(self) -> Iterator[np.ndarray]:
        """Yield what remains after the last sample: the output has the length of the input, divided by the rate."""
        total = round(self._read / self._rate)
        while self._written < total:
            missing = self._needed() - self._start - len(self._held)
            self._held = np.concatenate([self._held, np.zeros(max(0, missing))])
            made = self._next()
            yield made[: len(made) - max(0, self._written - total)]

    def _centre(self, frame: int) -> int:
        """Return the sample of the input that the middle of a frame stands for."""
        return round(frame * self._hop * self._rate)

    def _needed(self) -> int:
        """Return how many samples of the input the next frame needs."""
        following = self._place + 2 * self._hop
        return max(self._centre(self._frames + 1) + self._search, following)

    def _next(self) -> np.ndarray:
        """Choose the next frame, and return the samples in which it overlaps with the one before."""
        hop, search = self._hop, self._search
        before = self._part(self._place + hop, hop)
        first = self._centre(self._frames + 1) - hop - search
        region = self._part(first, hop + 2 * search)
        place = first + _most_similar(region, before, search)
        after = region[place - first : place - first + hop]
        self._frames, self._place = self._frames + 1, place
        self._written += hop
        keep = min(place + hop, self._centre(self._frames + 1) - hop - search)
        if keep > self._start:
            self._held, self._start = self._held[keep - self._start :], keep
        with np.errstate(over="ignore", invalid="ignore"):
            joined: np.ndarray = before + (after - before) * self._rise  # equal halves stay as they are
        return joined

    def _part(self, first: int, count: int) -> np.ndarray:
        """Return samples of the input in an array of their own, as sums may depend on where in memory they are."""
        return self._held[first - self._start : first - self._start + count].copy()


def _most_similar(region: np.ndarray, wanted: np.ndarray, middle: int) -> int:
    """Return where in a region the samples resemble those that are wanted most; ``middle`` if nothing does."""
    with np.errstate(over="ignore", invalid="ignore"):  # the end of the stack refuses what is not finite
        products = np.correlate(region, wanted, "valid")
        sums = np.concatenate([np.zeros(1), np.cumsum(region * region)])
        energies = sums[len(wanted) :] - sums[: -len(wanted)]
        audible = energies > 1e-12 * len(wanted)
        scores = np.where(audible, products / np.sqrt(np.where(audible, energies, 1.0)), 0.0)
    best = int(scores.argmax())
    return best if scores[best] > 0 else middle
