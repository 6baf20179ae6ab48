"""Loudness and true peak of speech."""

from __future__ import annotations

import math

import numpy as np

from voxstack.errors import RequestError
from voxstack_voice.audio.encodings import import_library

BLOCK_SECONDS = 0.4
"""Duration of a gating block of BS.1770."""

OVERSAMPLING = 4
"""Times the sample rate at which the true peak is read (ITU-R BS.1770-5, annex 2)."""


def loudness(samples: np.ndarray, sample_rate: int) -> float:
    """Return the integrated loudness in LUFS (ITU-R BS.1770), -inf for silence.

    Speech shorter than a gating block of 0.4 s is one block as long as it is, without gate.

    :param samples: (samples,), mono.
    :raises RequestError: if pyloudnorm is not installed.
    """
    pyloudnorm = import_library("pyloudnorm", "loudness", "set the gain yourself: speech.samples * gain")
    if not np.any(samples):
        return -math.inf
    block = min(BLOCK_SECONDS, len(samples) / sample_rate)
    with np.errstate(divide="ignore"):  # all blocks may be below the gate
        return float(pyloudnorm.Meter(sample_rate, block_size=block).integrated_loudness(samples.astype(np.float64)))


def true_peak(samples: np.ndarray, sample_rate: int) -> float:
    """Return the largest magnitude of the continuous signal that the samples stand for, 1.0 being full scale.

    :raises RequestError: if soxr is not installed.
    """
    soxr = import_library("soxr", "the true peak", "set the gain yourself: speech.samples * gain")
    between = soxr.resample(samples, sample_rate, OVERSAMPLING * sample_rate)
    return float(max(np.abs(samples).max(initial=0.0), np.abs(between).max(initial=0.0)))


def normalizing_gain(samples: np.ndarray, sample_rate: int, lufs: float, peak: float) -> tuple[float, float]:
    """Return the factor that brings samples to a loudness, but to no higher true peak, and the loudness that it gives.

    :param lufs: the loudness, LUFS.
    :param peak: the highest true peak, dB relative to full scale.
    :raises RequestError: for values out of range, or if pyloudnorm or soxr is not installed.
    """
    for name, value, low in (("lufs", lufs, -70.0), ("peak", peak, -60.0)):
        if not low <= value <= 0.0:
            raise RequestError(f"{name} is {value!r}, and must be a number from {low:g} to 0")
    found = loudness(samples, sample_rate)
    if not math.isfinite(found):
        return 1.0, found
    highest = 10 ** (peak / 20) / true_peak(samples, sample_rate)
    gain = min(10 ** ((lufs - found) / 20), highest)
    return gain, found + 20 * math.log10(gain)
