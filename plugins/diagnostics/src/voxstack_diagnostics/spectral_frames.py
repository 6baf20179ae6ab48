"""Spectra of a stream of samples, linear or in mel bands."""

from __future__ import annotations

import functools

import numpy as np

_FLOOR = 1e-10  # of powers: -100 dB
_LINEAR_HZ, _LOGARITHMIC = (
    200 / 3,
    27 / np.log(6.4),
)  # of Slaney's scale: 15 mel at 1000 Hz, then 27 for a factor of 6.4


class SpectralFrames:
    """Levels of frames of samples: Hann window, power spectrum, in dB; a sine of full scale has 0 dB.

    :param n_fft: samples of a frame.
    :param hop_length: samples from one frame to the next.
    :param rate: sample rate, Hz.
    :param mels: number of mel bands, each the mean of the powers under a triangle; None for all bins.
    """

    def __init__(self, n_fft: int, hop_length: int, rate: int, mels: int | None = None) -> None:
        self._n_fft, self._hop = n_fft, hop_length
        window = np.hanning(n_fft + 1)[:-1]
        self._window = window * (2 / window.sum())
        self._bands = None if mels is None else mel_bands(n_fft, rate, mels)
        self._held = np.zeros(0)
        self._between = 0  # samples before the next frame that are still to come, where frames do not overlap

    def read(self, samples: np.ndarray) -> np.ndarray:
        """Return the levels of the frames that the next samples complete, (frames, bands) float32, dB."""
        self._between, samples = max(0, self._between - len(samples)), samples[self._between :]
        self._held = np.concatenate([self._held, samples])
        count = max(0, (len(self._held) - self._n_fft) // self._hop + 1)
        if not count:
            return np.zeros((0, self.bands), np.float32)
        frames = np.lib.stride_tricks.sliding_window_view(self._held, self._n_fft)[: count * self._hop : self._hop]
        powers = np.abs(np.fft.rfft(frames * self._window)) ** 2
        powers = powers if self._bands is None else powers @ self._bands
        self._between = max(0, count * self._hop - len(self._held))
        self._held = self._held[count * self._hop :]
        levels: np.ndarray = 10 * np.log10(np.maximum(powers, _FLOOR))
        return levels.astype(np.float32)

    @property
    def bands(self) -> int:
        """Number of levels of a frame."""
        return self._n_fft // 2 + 1 if self._bands is None else self._bands.shape[1]


@functools.lru_cache(16)
def mel_bands(n_fft: int, rate: int, mels: int) -> np.ndarray:
    """Return the weights of bins in mel bands, (n_fft // 2 + 1, mels) float64; those of each band have the sum 1.

    Triangles whose corners are evenly spaced on the mel scale of M. Slaney's Auditory Toolbox (1998), from 0 Hz to half
    the rate. A band narrower than a bin is that of the bin nearest to its middle.
    """
    corners = _hertz(np.linspace(0, _mel(rate / 2), mels + 2))
    bins = np.linspace(0, rate / 2, n_fft // 2 + 1)[:, None]
    rise = (bins - corners[:-2]) / np.maximum(corners[1:-1] - corners[:-2], 1e-9)
    fall = (corners[2:] - bins) / np.maximum(corners[2:] - corners[1:-1], 1e-9)
    weights = np.maximum(0, np.minimum(rise, fall))
    empty = np.flatnonzero(weights.sum(0) == 0)
    weights[np.abs(bins - corners[1:-1][empty]).argmin(0), empty] = 1
    bands: np.ndarray = weights / weights.sum(0)
    bands.flags.writeable = False
    return bands


def _mel(hertz: float) -> float:
    return hertz / _LINEAR_HZ if hertz < 1000 else 15 + float(np.log(hertz / 1000)) * _LOGARITHMIC


def _hertz(mel: np.ndarray) -> np.ndarray:
    return np.where(mel < 15, mel * _LINEAR_HZ, 1000 * np.exp((np.maximum(mel, 15) - 15) / _LOGARITHMIC))
