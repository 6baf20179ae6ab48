"""Spectrograms, mel or linear, with words and phonemes along the axis of time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from voxstack import RequestError
from voxstack_plot.colours import LEVELS
from voxstack_plot.excerpt import Excerpt, add_words, excerpt
from voxstack_plot.picture import Picture, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WINDOW, HOP = 0.032, 0.004
"""Seconds of a frame, and from frame to frame."""
RANGE = 70.0
"""Decibels below the loudest point that are drawn."""
BANDS = 96


def draw(subject: Any, scale: str = "mel", start: float = 0.0, stop: float | None = None) -> Picture:
    """Return the spectrogram of a speech: decibels relative to full scale of each frame and band or bin."""
    if scale not in ("mel", "linear"):
        raise RequestError(f"scale is 'mel' or 'linear', not {scale!r}")
    part = excerpt(subject, start, stop)
    labelled = bool(part.words or part.phonemes)
    figure = new_figure(part.width, 3.9 if labelled else 3.3)
    if labelled:
        above, below = figure.subplots(2, 1, sharex=True, gridspec_kw={"height_ratios": (5, 1), "hspace": 0.02})
        above.tick_params(axis="x", labelbottom=False)
        add_words(below, part)
    else:
        above = figure.subplots()
        above.set_xlabel("time (s)")
    image = _image(above, part, scale)
    bar = figure.colorbar(image, ax=[above, below] if labelled else above, pad=0.01, fraction=0.05)
    bar.set_label("level (dB of full scale)")
    return Picture(figure, f"{scale} spectrogram of {part.stop - part.start:.2f} s")


def _image(axes: Axes, part: Excerpt, scale: str) -> Any:
    power, frequencies = power_spectrogram(part.samples, part.sample_rate)
    edges = np.concatenate([frequencies - frequencies[1] / 2, [frequencies[-1] + frequencies[1] / 2]])
    if scale == "mel":
        bank, edges = mel_bank(frequencies, BANDS)
        power = power @ bank.T
    levels = 10 * np.log10(np.maximum(power, 1e-12))
    top = float(np.ceil(levels.max() / 5) * 5)
    times = part.start + HOP * (np.arange(len(levels) + 1) - 0.5)
    image = axes.pcolormesh(times, edges, levels.T, cmap=LEVELS, vmin=top - RANGE, vmax=top, rasterized=True)
    if scale == "mel":
        ticks = [hertz for hertz in (100, 250, 500, 1000, 2000, 4000, 8000, 16000) if hertz <= part.sample_rate / 2]
        axes.set_yticks(mel_of(np.array(ticks, np.float64)), [f"{hertz:g}" for hertz in ticks])
        axes.set_ylabel("frequency (Hz, mel scale)")
    else:
        axes.set_ylabel("frequency (Hz)")
    axes.set_ylim(max(edges[0], 0.0), edges[-1])
    axes.set_xlim(part.start, part.stop)
    return image


def power_spectrogram(samples: np.ndarray, sample_rate: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the power of each frame and bin, (frames, bins), and the frequencies of the bins in Hz.

    Frames are centred at multiples of ``HOP``; a sine of full scale has power 1 (0 dB) in the bin of its frequency.
    """
    size, hop = max(16, round(WINDOW * sample_rate)), max(1, round(HOP * sample_rate))
    window = np.hanning(size + 1)[:-1]
    padded = np.pad(samples, (size // 2, size))
    count = len(samples) // hop + 1
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[: count * hop : hop][:count]
    points = max(1024, 1 << (size - 1).bit_length())
    spectra = np.fft.rfft(frames * window, points, axis=1)
    return np.abs(2 * spectra / window.sum()) ** 2, np.fft.rfftfreq(points, 1 / sample_rate)


def mel_of(hertz: np.ndarray) -> np.ndarray:
    """Return frequencies on the mel scale of O'Shaughnessy (1987): 2595 log10(1 + f / 700 Hz)."""
    return np.asarray(2595 * np.log10(1 + hertz / 700))


def mel_bank(frequencies: np.ndarray, bands: int) -> tuple[np.ndarray, np.ndarray]:
    """Return weights that average bins to bands, (bands, bins), and the edges of the bands in mel.

    The triangles are of equal width in mel, their peaks in the middle of their band; narrower ones than a bin take the
    nearest bin.
    """
    mels = mel_of(frequencies)
    edges = np.linspace(0, mels[-1], bands + 1)
    width = edges[1]
    centres = edges[:-1] + width / 2
    bank = np.maximum(0, 1 - np.abs(mels - centres[:, None]) / width)
    empty = np.flatnonzero(bank.sum(1) == 0)
    bank[empty, np.abs(mels - centres[empty, None]).argmin(1)] = 1
    return bank / bank.sum(1, keepdims=True), edges
