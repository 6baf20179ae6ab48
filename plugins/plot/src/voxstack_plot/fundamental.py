"""The fundamental frequency of speech, by YIN.

A. de Cheveigne and H. Kawahara, "YIN, a fundamental frequency estimator for speech and music", JASA 111(4), 2002: steps
1 to 5. Written here because the libraries that have it bring a compiler (librosa), a build (pyworld) or the GPL (aubio,
parselmouth) for fifty lines.
"""

from __future__ import annotations

import numpy as np

HOP = 0.005
"""Seconds from frame to frame."""
THRESHOLD = 0.15
"""Aperiodicity below which a lag is a period: the share of the power that is not repeated."""
SILENCE = 1e-3
"""Root mean square, of the loudest frame's, below which a frame is silent."""
SHORTEST = 0.03
"""Seconds; shorter stretches of voice are taken for accidents."""


def fundamental_frequency(
    samples: np.ndarray, sample_rate: int, low: float = 60.0, high: float = 500.0
) -> tuple[np.ndarray, np.ndarray]:
    """Return times in seconds and the fundamental frequency at each in Hz, NaN where there is no voice.

    :param samples: (samples,).
    :param low: the lowest frequency that is looked for, in Hz, and ``high`` the highest.
    """
    longest, shortest = int(np.ceil(sample_rate / low)), max(2, int(sample_rate // high))
    window, hop = 2 * longest, max(1, round(HOP * sample_rate))
    count = len(samples) // hop + 1
    padded = np.pad(np.asarray(samples, np.float64), (window // 2 + longest // 2, window + longest))
    frames = np.lib.stride_tricks.sliding_window_view(padded, window + longest)[: count * hop : hop]
    rates = np.concatenate([_frequencies(frames[i : i + 512], window, shortest, longest) for i in range(0, count, 512)])
    loud = np.sqrt(np.mean(frames[:, longest // 2 : longest // 2 + window] ** 2, axis=1))
    rates[loud < SILENCE * max(loud.max(), 1e-9)] = np.nan
    found = sample_rate / rates
    _drop_short(found, round(SHORTEST / HOP))
    return np.arange(count) * hop / sample_rate, found


def _frequencies(frames: np.ndarray, window: int, shortest: int, longest: int) -> np.ndarray:
    """Return the period of each frame in samples, NaN where it has none."""
    difference = _difference(frames, window, longest)
    lags = np.arange(1, longest + 1)
    cumulative = np.cumsum(difference[:, 1:], axis=1)
    normal = difference[:, 1:] * lags / np.maximum(cumulative, 1e-12)  # step 3: of lags 1 to longest
    return np.array([_period(row, shortest, longest) for row in normal])


def _difference(frames: np.ndarray, window: int, longest: int) -> np.ndarray:
    """Return the power of each frame minus itself later, by lags from 0 to ``longest`` (step 2)."""
    points = 1 << (window + longest - 1).bit_length()
    spectra = np.fft.rfft(frames, points, axis=1)
    head = np.fft.rfft(frames[:, :window], points, axis=1)
    correlation = np.fft.irfft(spectra * head.conj(), points, axis=1)[:, : longest + 1]
    squares = np.cumsum(np.pad(frames**2, ((0, 0), (1, 0))), axis=1)
    energy = squares[:, window : window + longest + 1] - squares[:, : longest + 1]
    return np.asarray(np.maximum(energy[:, :1] + energy - 2 * correlation, 0))


def _period(normal: np.ndarray, shortest: int, longest: int) -> float:
    """Return the first lag of a dip below the threshold (step 4), refined by a parabola (step 5)."""
    below = np.flatnonzero(normal[shortest - 1 : longest - 1] < THRESHOLD)
    if not len(below):
        return float("nan")
    at = shortest - 1 + int(below[0])
    while at + 1 < len(normal) and normal[at + 1] < normal[at]:
        at += 1
    if at + 1 >= len(normal) or at == 0:
        return float(at + 1)
    left, middle, right = normal[at - 1 : at + 2]
    bend = left - 2 * middle + right
    return float(at + 1 + (0.5 * (left - right) / bend if bend > 0 else 0.0))


def _drop_short(found: np.ndarray, least: int) -> None:
    """Set stretches of voice of fewer frames to NaN."""
    bounds = np.flatnonzero(np.diff(np.concatenate([[False], np.isfinite(found), [False]]).astype(np.int8)))
    for first, last in zip(bounds[::2], bounds[1::2], strict=True):
        if last - first < least:
            found[first:last] = np.nan
