"""Plots of speech: spectrograms beside the teacher's, and the effect of intonation and controls."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from frame_comparison import track_pitch

RATE, HOP = 16000, 200
INTONATION = ("You are leaving tomorrow.", "You are leaving tomorrow?", "You are leaving tomorrow!")
CONTROLS = "The old bridge across the river was closed for repairs last winter."


def plot_spectrograms(rows: Mapping[str, Mapping[str, np.ndarray]], path: Path) -> None:
    """Plot spectrograms, with a row per sentence and a column per system, and save them to ``path``.

    They show 0 to 8 kHz and 80 dB, in windows of 25 ms.

    :param rows: samples at 16 kHz, (samples,), by sentence and by system.
    """
    from matplotlib.figure import Figure

    columns = len(next(iter(rows.values())))
    figure = Figure(figsize=(8 * columns, 2.4 * len(rows)), dpi=50, layout="constrained")
    for axes, (sentence, waves) in zip(figure.subplots(len(rows), columns, squeeze=False), rows.items(), strict=True):
        for axis, (system, wave) in zip(axes, waves.items(), strict=True):
            power, _, _, _ = axis.specgram(wave + 1e-9, NFFT=400, Fs=RATE, noverlap=320, scale="dB", cmap="magma")
            top = 10 * np.log10(power.max())
            axis.images[0].set_clim(top - 80, top)
            axis.set_title(f"{system}: {sentence}", fontsize=9)
    figure.savefig(path)


def plot_pitch(panels: Mapping[str, Mapping[str, np.ndarray]], path: Path) -> None:
    """Plot the tracked pitch of waves in Hz, and save the plot to ``path``.

    :param panels: samples at 16 kHz, (samples,), by title of a panel and by name.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6 * len(panels), 4), dpi=80, layout="constrained")
    for axis, (title, waves) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels.items(), strict=True):
        for name, wave in waves.items():
            f0 = track_pitch(wave, len(wave) // HOP)
            axis.plot(np.arange(len(f0)) * HOP / RATE, np.where(f0 > 0, f0, np.nan), label=name)
        axis.set(title=title, xlabel="seconds", ylabel="Hz")
        axis.legend(fontsize=8)
    figure.savefig(path)
