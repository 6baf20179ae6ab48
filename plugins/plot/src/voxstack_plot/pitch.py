"""The pitch of a speech over time, with its words."""

from __future__ import annotations

from typing import Any

import numpy as np

from voxstack import RequestError
from voxstack_plot.colours import BLUE, GRID
from voxstack_plot.excerpt import add_words, excerpt
from voxstack_plot.fundamental import fundamental_frequency
from voxstack_plot.picture import Picture, new_figure


def draw(
    subject: Any, low: float = 60.0, high: float = 500.0, start: float = 0.0, stop: float | None = None
) -> Picture:
    """Return the fundamental frequency of a speech, found in its samples by YIN, on a scale of semitones."""
    part = excerpt(subject, start, stop)
    if not 20 <= low < high <= part.sample_rate / 4:
        limits = f"20 to {part.sample_rate / 4:g} Hz"
        raise RequestError(f"pitch: low {low:g} and high {high:g} Hz: low is below high, and both are within {limits}")
    times, rates = fundamental_frequency(part.samples, part.sample_rate, low, high)
    figure = new_figure(part.width, 3.4 if part.words else 2.9)
    if part.words:
        above, below = figure.subplots(2, 1, sharex=True, gridspec_kw={"height_ratios": (6, 0.7), "hspace": 0.02})
        above.tick_params(axis="x", labelbottom=False)
        add_words(below, part, phonemes=False)
    else:
        above = figure.subplots()
        above.set_xlabel("time (s)")
    above.plot(part.start + times, rates, color=BLUE, linewidth=2.2, solid_capstyle="round")
    above.set_yscale("log")
    bottom, top = _limits(rates, low, high)
    ticks = [hertz for hertz in _TICKS if bottom <= hertz <= top]
    above.set_yticks(ticks, [f"{hertz:g}" for hertz in ticks])
    above.minorticks_off()
    above.set_ylim(bottom, top)
    above.set_xlim(part.start, part.stop)
    above.grid(color=GRID, linewidth=0.6)
    above.set_axisbelow(True)
    above.set_ylabel("fundamental frequency\n(Hz, log scale)")
    if not np.isfinite(rates).any():
        above.text(0.5, 0.5, f"no voice between {low:g} and {high:g} Hz", transform=above.transAxes, ha="center")
    return Picture(figure, f"pitch of {part.stop - part.start:.2f} s")


_TICKS = (20, 30, 40, 50, 60, 70, 80, 90, 100, 110, 120, 140, 160, 180, 200, 225, 250, 300, 350, 400, 450, 500, 600,
          800, 1000, 1500, 2000, 3000)  # fmt: skip


def _limits(rates: np.ndarray, low: float, high: float) -> tuple[float, float]:
    """Return the limits of the axis: the found frequencies and two semitones around them."""
    voiced = rates[np.isfinite(rates)]
    if not len(voiced):
        return low, high
    return float(voiced.min()) / 1.122, float(voiced.max()) * 1.122
