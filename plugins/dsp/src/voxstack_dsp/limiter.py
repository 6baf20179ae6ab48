"""The block ``Limiter``, which keeps peaks below a ceiling."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from voxstack import Frames, StreamableBlock, Utterance, windows
from voxstack_dsp.checks import sample_chunks

_ONE = 1 << 30  # a gain of 1; gains are integers, so that sums and minima are exact in any order


@dataclass
class Limiter(StreamableBlock):
    """Attenuates samples, (samples,) float32, smoothly around peaks, so that none exceeds the ceiling.

    Three steps, as in G. Luff, "Designing a straightforward limiter" (Signalsmith Audio, 2022): the gain that each
    sample needs is held backwards over the lookahead (a sliding minimum), released, and smoothed by a moving average as
    long as the lookahead; the average of gains that are all low enough is low enough. Here the release is linear, the
    lower envelope of lines that rise from each held gain. The gain changes ahead of a peak; the sound is not delayed.

    Samples more than the lookahead before a peak, or after the release that follows one, pass bit for bit. Peaks are
    those of samples; between them a converter may produce values higher by some tenths of a dB: leave room in
    ``ceiling_db``.

    :param sample_rate: sample rate, Hz.
    :param ceiling_db: highest absolute value of the output, dB of full scale; 0 is 1.0.
    :param lookahead_ms: milliseconds over which the gain falls before a peak.
    :param release_ms: milliseconds in which the gain rises again from -6 dB to 0 dB.
    """

    sample_rate: int = field(metadata={"minimum": 1, "maximum": 384_000})
    ceiling_db: float = field(default=-1.0, metadata={"minimum": -200, "maximum": 0})
    lookahead_ms: float = field(default=5.0, metadata={"minimum": 0, "maximum": 1_000})
    release_ms: float = field(default=50.0, metadata={"minimum": 0, "maximum": 60_000})

    takes = "samples"
    makes = "samples"

    @property
    def lookahead(self) -> int:
        return max(1, round(self.lookahead_ms * self.sample_rate / 1000))

    def stream(self, source: Frames, utterance: Utterance) -> Frames:
        ahead, ceiling = self.lookahead, _below(10 ** (self.ceiling_db / 20))
        rise = max(1, round(_ONE / 2 / max(1.0, self.release_ms * self.sample_rate / 1000)))
        released = np.empty(0, np.int64)  # the last gains after the release, at most ``ahead`` of them
        for samples, _, size, start in windows(sample_chunks(source, "Limiter"), 0, ahead):
            lead = ahead if start == 0 else 0  # silence before the stream, whose gain already falls for later peaks
            needed = np.full(lead + size + ahead, _ONE, np.int64)
            peaks = np.fmax(np.abs(samples), ceiling, dtype=np.float64)
            needed[lead : lead + len(samples)] = np.floor(_ONE * (ceiling / peaks))
            last = int(released[-1]) if len(released) else _ONE
            if last == _ONE and needed.min() == _ONE and (not len(released) or released.min() == _ONE):
                released = np.full(ahead, _ONE, np.int64)
                yield samples[:size]
                continue
            released = np.concatenate([released, _release(_sliding_minimum(needed, ahead + 1), last, rise)])
            gain = _moving_sum(released, ahead + 1) / float(_ONE * (ahead + 1))
            released = released[size:]
            with np.errstate(invalid="ignore"):  # an infinite sample, which the end of the stack refuses
                limited = (samples[:size] * gain).astype(np.float32)
            yield limited  # rounds to the ceiling at most, which is a float32 itself


def _below(value: float) -> np.float32:
    """Return the largest float32 that is not above ``value``."""
    nearest = np.float32(value)
    return nearest if float(nearest) <= value else np.nextafter(nearest, np.float32(0))


def _sliding_minimum(values: np.ndarray, size: int) -> np.ndarray:
    """Return the minimum of each run of ``size`` values, (len - size + 1,), by doubling the length of runs."""
    covered = 1
    while covered < size:
        step = min(covered, size - covered)
        values = np.minimum(values[:-step], values[step:])
        covered += step
    return values


def _release(gains: np.ndarray, last: int, rise: int) -> np.ndarray:
    """Return the greatest gains below ``gains`` that rise by at most ``rise`` per sample, after ``last``."""
    slope = np.arange(1, len(gains) + 1, dtype=np.int64) * rise
    return np.minimum(np.minimum.accumulate(gains - slope), last) + slope


def _moving_sum(values: np.ndarray, size: int) -> np.ndarray:
    """Return the sum of each run of ``size`` values, (len - size + 1,), exact for whole numbers."""
    sums = np.concatenate([np.zeros(1, np.int64), np.cumsum(values)])
    runs: np.ndarray = sums[size:] - sums[:-size]
    return runs
