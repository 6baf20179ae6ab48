"""Pitch and harmonicity of speech, by autocorrelation."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

LOWEST, HIGHEST = 60.0, 500.0
"""Range of the pitch in Hz."""

WINDOW, HOP = 0.05, 0.01
"""Seconds of a frame, which holds three periods of the lowest pitch, and between frames."""

STRENGTH = 0.5
"""Least correlation of a voiced frame with itself one period later."""

QUIET = 35.0
"""Decibels below the loud frames from which a frame is silence."""

OCTAVE_COST = 0.02
"""Correlation that a period twice as long must have more."""


class Track(NamedTuple):
    """The frames of an utterance: ``f0`` in Hz, 0 where unvoiced; ``harmonicity`` in dB; ``silent``: (frames,)."""

    f0: np.ndarray
    harmonicity: np.ndarray
    silent: np.ndarray


def track(samples: np.ndarray, rate: int) -> Track:
    """Return the pitch and the ratio of harmonics to noise, after Boersma (1993).

    The autocorrelation of a windowed frame, divided by that of the window, is highest after one period; there it is the
    share of the energy that is periodic.

    :param samples: (samples,).
    :param rate: in Hz.
    """
    size, hop = round(WINDOW * rate), round(HOP * rate)
    padded = np.pad(samples.astype(np.float64), (size // 2, size))
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[: max(1, len(samples)) : hop]
    frames = frames - frames.mean(1, keepdims=True)
    level = 10 * np.log10((frames**2).mean(1) + 1e-12)
    silent = level < np.percentile(level, 95) - QUIET
    window = np.hanning(size)
    correlation = _autocorrelation(frames * window) / np.maximum(_autocorrelation(window[None]), 1e-3)
    first, last = int(rate / HIGHEST), int(rate / LOWEST)
    lags = np.arange(first, last)
    strength = correlation[:, first:last] - OCTAVE_COST * np.log2(lags / first)
    best = strength.argmax(1)
    periodic = np.clip(np.take_along_axis(correlation[:, first:last], best[:, None], 1)[:, 0], 1e-3, 0.999)
    voiced = (periodic >= STRENGTH) & ~silent & (best > 0) & (best < len(lags) - 1)
    f0 = np.where(voiced, rate / _refined(correlation, lags[best]), 0.0)
    return Track(f0, 10 * np.log10(periodic / (1 - periodic)), silent)


def _autocorrelation(frames: np.ndarray) -> np.ndarray:
    """Return the autocorrelation of each frame, 1 at lag 0: (frames, lags)."""
    size = 2 ** (2 * frames.shape[1] - 1).bit_length()
    found = np.fft.irfft(np.abs(np.fft.rfft(frames, size)) ** 2, size)[:, : frames.shape[1]]
    return np.asarray(found / np.maximum(found[:, :1], 1e-12))


def _refined(correlation: np.ndarray, lags: np.ndarray) -> np.ndarray:
    """Return the lags of the maxima of parabolas through three values: (frames,)."""
    rows = np.arange(len(lags))
    before, at, after = (correlation[rows, lags + step] for step in (-1, 0, 1))
    curve = before - 2 * at + after
    shift = np.where(np.abs(curve) > 1e-9, (before - after) / (2 * np.where(curve == 0, 1, curve)), 0.0)
    return np.asarray(lags + np.clip(shift, -0.5, 0.5))
