"""Alignments of a speech with its phonemes: attention where the voice has some, durations otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from voxstack import Event, RequestError
from voxstack_plot.colours import BLUE, GRID, WEIGHTS
from voxstack_plot.excerpt import Excerpt, add_words, excerpt
from voxstack_plot.picture import Picture, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST = 250
"""Rows of a picture."""


def draw(subject: Any, start: float = 0.0, stop: float | None = None) -> Picture:
    """Return the alignment of a speech: a row for each token, in the order of the text, over the time of the audio."""
    part = excerpt(subject, start, stop)
    attention = [a for a in getattr(getattr(subject, "trace", None), "attention", ()) if _overlaps(a, part)]
    if not attention and not part.phonemes:
        raise RequestError("the voice reported no phonemes and no attention, so there is no alignment to draw")
    rows = sum(a.weights[0].shape[1] for a in attention) if attention else len(part.phonemes)
    if rows > MOST:
        raise RequestError(f"{rows} tokens are too many for a picture of at most {MOST}; choose a part: start=, stop=")
    figure = new_figure(part.width, float(np.clip(1.3 + 0.155 * rows, 3.2, 40)))
    height = max(1.6, 0.155 * rows)
    if part.words:
        above, below = figure.subplots(2, 1, sharex=True, gridspec_kw={"height_ratios": (height, 0.3), "hspace": 0.02})
        above.tick_params(axis="x", labelbottom=False)
        add_words(below, part, phonemes=False)
    else:
        above = figure.subplots()
        above.set_xlabel("time (s)")
    if attention:
        image = _attention(above, attention)
        figure.colorbar(image, ax=above, pad=0.01, fraction=0.05).set_label("attention weight")
    else:
        _durations(above, part.phonemes)
    above.set_ylim(rows, 0)
    above.set_xlim(part.start, part.stop)
    above.set_ylabel("token" if attention else "phoneme")
    kind = "attention" if attention else "durations"
    return Picture(figure, f"alignment by {kind} of {part.stop - part.start:.2f} s")


def _overlaps(attention: Any, part: Excerpt) -> bool:
    steps = sum(len(weights) for weights in attention.weights)
    return bool(attention.start < part.stop and attention.start + steps * attention.seconds_per_step > part.start)


def _attention(axes: Axes, found: Sequence[Any]) -> Any:
    """Draw the weights of each utterance below those of the one before it."""
    row, labels, image = 0, list[str](), None
    for attention in found:
        weights = np.concatenate(attention.weights)
        tokens = weights.shape[1]
        times = attention.start + attention.seconds_per_step * np.arange(len(weights) + 1)
        image = axes.pcolormesh(
            times, row + np.arange(tokens + 1), weights.T, cmap=WEIGHTS, vmin=0, vmax=1, rasterized=True
        )
        phones = list(attention.phones)
        labels += phones if len(phones) == tokens else [str(token) for token in range(tokens)]
        row += tokens
        axes.axhline(row, color=GRID, linewidth=0.6)
    _label_rows(axes, labels)
    return image


def _durations(axes: Axes, phonemes: Sequence[Event]) -> None:
    """Draw a bar for each phoneme, from its first to its last moment."""
    lefts, widths = [e.start for e in phonemes], [e.duration for e in phonemes]
    axes.barh(np.arange(len(phonemes)) + 0.5, widths, left=lefts, height=0.8, color=BLUE)
    axes.grid(axis="x", color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    _label_rows(axes, [event.text for event in phonemes])


def _label_rows(axes: Axes, labels: list[str]) -> None:
    axes.set_yticks(np.arange(len(labels)) + 0.5)
    axes.set_yticklabels([label[:20] for label in labels], fontsize=8, parse_math=False)
    axes.tick_params(axis="y", length=0)
