"""Formants that stay where they were while the pitch moves."""

from __future__ import annotations

import numpy as np

_HOP_SECONDS = 0.008
_SMOOTH_HERTZ = 350  # further apart are formants, and closer are most harmonics
_MOST = 1000.0  # factor on the power of a part of the spectrum


class FormantKeeper:
    """Gives a stream of samples the spectral envelopes of another one, frame by frame.

    Envelopes are power spectra, smoothed over 350 Hz, so that the power in each region is that of the other stream,
    whatever harmonics make it. Frames of 32 ms overlap by three quarters under a Hann window, twice.

    :param rate: sample rate, Hz.
    """

    def __init__(self, rate: int) -> None:
        self._hop = max(4, round(_HOP_SECONDS * rate))
        self.size = 4 * self._hop
        """Samples of a frame: a sample of the output needs as many after it."""
        bins = max(1, round(_SMOOTH_HERTZ * self.size / rate))
        kernel = np.hanning(2 * bins + 1)
        self._kernel = kernel / kernel.sum()
        self._window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(self.size) / self.size)
        self._wanted = self._found = np.zeros(self.size - self._hop)  # silence before the stream
        self._sum = np.zeros(self.size)
        self._before = self.size - self._hop  # samples of the output that are before the stream

    def read(self, wanted: np.ndarray, found: np.ndarray) -> np.ndarray:
        """Return the samples, float64, that the next ones of both streams complete.

        :param wanted: of the stream whose envelopes the result has.
        :param found: of the stream that is changed.
        """
        self._wanted = np.concatenate([self._wanted, wanted])
        self._found = np.concatenate([self._found, found])
        made = [np.zeros(0)]
        while min(len(self._wanted), len(self._found)) >= self.size:
            self._sum += self._frame(self._wanted[: self.size], self._found[: self.size])
            part = self._sum[: self._hop] * (2 / 3)  # the squares of four windows have the sum 3 / 2
            self._sum = np.concatenate([self._sum[self._hop :], np.zeros(self._hop)])
            self._wanted, self._found = self._wanted[self._hop :], self._found[self._hop :]
            self._before, part = max(0, self._before - len(part)), part[self._before :]
            made.append(part)
        return np.concatenate(made)

    def _frame(self, wanted: np.ndarray, found: np.ndarray) -> np.ndarray:
        """Return a frame of the result, under both windows."""
        with np.errstate(over="ignore", invalid="ignore"):  # the end of the stack refuses what is not finite
            spectrum = np.fft.rfft(found * self._window)
            ratios = self._envelope(np.fft.rfft(wanted * self._window)) / self._envelope(spectrum)
            factors = np.sqrt(np.minimum(ratios, _MOST))
            return np.fft.irfft(spectrum * factors, self.size) * self._window

    def _envelope(self, spectrum: np.ndarray) -> np.ndarray:
        """Return the envelope of the powers of a spectrum, (bins,)."""
        powers = np.abs(spectrum) ** 2
        smooth = np.convolve(powers + 1e-8 * powers.max() + 1e-12, self._kernel, "full")
        envelope: np.ndarray = smooth[len(self._kernel) // 2 :][: len(powers)]
        return envelope
