"""What clients request: when, which voice, how much, and when they stop listening."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from fleets.state import A_ASKED, A_AUDIO, A_RUNS_OUT, A_SKIP, A_STOP, A_TIME, A_VOICE

DAY = 86_400.0


@dataclass(frozen=True)
class Demand:
    """Requests at random: an inhomogeneous Poisson process.

    Each is a sentence, as agents send them. The lengths are those of the 1,610 sentences in the documents of this
    repository, at 18.5 characters a second, of which a log-normal distribution is fitted.

    :param rate: requests a second, at the peak.
    :param median: of the seconds of audio of a request, which are log-normal; and ``sigma`` of their logarithm.
    :param shortest: seconds of audio, and ``longest``: others are cut to these.
    :param exponent: of Zipf's law for the popularity of voices; 0: all alike.
    :param stops: part of the listeners that stop early, after a random part of the audio.
    :param swing: how much lower the rate is at night, as a part of the peak; 0: the same all day.
    """

    rate: float
    voices: int = 1
    median: float = 5.2
    sigma: float = 0.61
    shortest: float = 0.5
    longest: float = 60.0
    exponent: float = 1.0
    stops: float = 0.1
    swing: float = 0.0

    def mean(self) -> float:
        """Return the average seconds of audio of a request."""
        random = np.random.default_rng(0)
        return float(self._lengths(random, 200_000).mean())

    def rate_at(self, time: float) -> float:
        """Return the requests a second at a time; the peak is at noon."""
        return self.rate * (1.0 - self.swing * 0.5 * (1.0 + math.cos(2.0 * math.pi * time / DAY)))

    def popularity(self) -> np.ndarray:
        """Return the part of the requests of each voice."""
        weights = 1.0 / np.arange(1, self.voices + 1) ** self.exponent
        return weights / weights.sum()

    def arrivals(self, random: np.random.Generator, begin: float, end: float) -> np.ndarray:
        """Return the requests from one time to another, in order; the rate is that of the middle."""
        count = random.poisson(self.rate_at((begin + end) / 2) * (end - begin))
        found = np.zeros((count, 8))
        found[:, A_TIME] = found[:, A_ASKED] = np.sort(random.uniform(begin, end, count))
        edges = np.cumsum(self.popularity())
        found[:, A_VOICE] = np.minimum(np.searchsorted(edges, random.random(count)), self.voices - 1)
        found[:, A_AUDIO] = self._lengths(random, count)
        stops = random.random(count) < self.stops
        found[:, A_STOP] = np.where(stops, found[:, A_AUDIO] * random.random(count), math.inf)
        found[:, A_SKIP], found[:, A_RUNS_OUT] = -1.0, 0.0
        return found

    def _lengths(self, random: np.random.Generator, count: int) -> np.ndarray:
        lengths = self.median * np.exp(self.sigma * random.standard_normal(count))
        return np.clip(lengths, self.shortest, self.longest)


def fixed(times: np.ndarray, audio: float) -> np.ndarray:
    """Return requests at these times for the same audio of the first voice."""
    found = np.zeros((len(times), 8))
    found[:, A_TIME] = found[:, A_ASKED] = times
    found[:, A_AUDIO], found[:, A_STOP], found[:, A_SKIP] = audio, math.inf, -1.0
    return found
