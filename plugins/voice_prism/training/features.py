"""Log-mel-spectrograms, and the short-time Fourier transforms that they are computed from.

One layout everywhere: 16 kHz, hop 200 samples (80 frames a second), window and FFT of 800 samples (Hann), 80 mel bands
from 0 to 8 kHz on Slaney's scale, natural logarithm of the magnitude clamped at 1e-4. Frame ``t`` covers the samples
from ``200 t - 300`` to ``200 t + 500``, mirrored at both ends, so ``n`` frames belong to exactly ``200 n`` samples.
"""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional as F

SAMPLE_RATE, HOP, N_FFT, MELS = 16000, 200, 800, 80
FLOOR = 1e-4
BANDS = ((80, 1000), (1000, 2500), (2500, 4500), (4500, 7500))  # Hz, in which periodicity is measured


def mel_filters(mels: int = MELS, n_fft: int = N_FFT, high: float = SAMPLE_RATE / 2) -> torch.Tensor:
    """Return the triangular filters, (mels, n_fft // 2 + 1), each of unit area on the hertz axis (times 40).

    Slaney's scale: linear to 1 kHz, then 27 steps for each factor of 6.4 (Auditory Toolbox, 1998).
    """
    to_mel = lambda hz: np.where(hz < 1000, hz * 3 / 200, 15 + np.log(np.maximum(hz, 1e-9) / 1000) * 27 / np.log(6.4))  # noqa: E731
    to_hz = lambda mel: np.where(mel < 15, mel * 200 / 3, 1000 * np.exp((mel - 15) * np.log(6.4) / 27))  # noqa: E731
    edges = to_hz(np.linspace(0.0, to_mel(np.float64(high)), mels + 2))
    bins = np.linspace(0, SAMPLE_RATE / 2, n_fft // 2 + 1)
    rise = (bins - edges[:-2, None]) / np.diff(edges)[:-1, None]
    fall = (edges[2:, None] - bins) / np.diff(edges)[1:, None]
    area = (edges[2:] - edges[:-2])[:, None] / 2
    return torch.tensor(np.maximum(0, np.minimum(rise, fall)) / area * 40, dtype=torch.float32)


def stft(wave: torch.Tensor, n_fft: int = N_FFT, hop: int = HOP) -> torch.Tensor:
    """Return the complex spectra, (batch, bins, frames), of ``wave``, (batch, samples)."""
    side = (n_fft - hop) // 2
    padded = F.pad(wave[:, None], (side, side + (n_fft - hop) % 2), mode="reflect")[:, 0]
    window = torch.hann_window(n_fft, device=wave.device)
    return torch.stft(padded, n_fft, hop, n_fft, window, center=False, return_complex=True)


def magnitude(spectrum: torch.Tensor, tiny: float = 1e-9) -> torch.Tensor:
    """Return the absolute value, with a finite gradient at zero."""
    return torch.sqrt(spectrum.real**2 + spectrum.imag**2 + tiny)


_FILTERS = mel_filters()


def log_mel(wave: torch.Tensor) -> torch.Tensor:
    """Return the log-mel-spectrogram, (batch, 80, samples // 200), of ``wave``, (batch, samples) in -1..1."""
    return torch.log(torch.clamp(_FILTERS.to(wave.device) @ magnitude(stft(wave)), min=FLOOR))


def istft(spectrum: torch.Tensor, n_fft: int = N_FFT, hop: int = HOP) -> torch.Tensor:
    """Return the wave, (batch, frames * hop), of complex spectra, (batch, bins, frames); inverts :func:`stft`."""
    frames = spectrum.shape[2]
    window = torch.hann_window(n_fft, device=spectrum.device)
    length, side = (frames - 1) * hop + n_fft, (n_fft - hop) // 2
    segments = torch.fft.irfft(spectrum, n_fft, dim=1) * window[None, :, None]
    weights = (window**2)[None, :, None].expand(1, n_fft, frames).contiguous()
    joined, weight = (F.fold(x, (1, length), (1, n_fft), stride=(1, hop))[:, 0, 0] for x in (segments, weights))
    inner = slice(side, side + frames * hop)
    return joined[:, inner] / weight[:, inner].clamp(min=1e-3)
