"""The part of a speech that a picture shows, and its words and phonemes along the axis of time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from voxstack import Event, RequestError
from voxstack_plot.colours import GREY, GRID, INK

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LONGEST = 60.0
"""Seconds that a picture shows."""


@dataclass(frozen=True)
class Excerpt:
    """A part of a speech, from ``start`` to ``stop`` in seconds: its samples and the events in it."""

    samples: np.ndarray
    sample_rate: int
    start: float
    stop: float
    words: list[Event]
    phonemes: list[Event]

    @property
    def width(self) -> float:
        """Width of its picture in inches."""
        return float(np.clip(2.4 + 2.7 * (self.stop - self.start), 6.0, 60.0))


def excerpt(speech: Any, start: float = 0.0, stop: float | None = None) -> Excerpt:
    """Return the part of a speech between two times, in seconds.

    :raises RequestError: for something else than a speech with samples, or times that are not in it.
    """
    samples, rate = getattr(speech, "samples", None), getattr(speech, "sample_rate", 0)
    if not isinstance(samples, np.ndarray) or not rate or samples.ndim != 1:
        raise RequestError(f"this picture shows a speech, as voice.synthesize(...) returns, not a {_kind(speech)}")
    duration = len(samples) / rate
    end = duration if stop is None else stop
    if not len(samples):
        raise RequestError("the speech has no samples, so there is nothing to draw; synthesize some text")
    if not 0 <= start < end or start >= duration:
        raise RequestError(f"the part from {start:g} to {end:g} s is not in a speech of {duration:.2f} s")
    end = min(end, duration)
    if end - start > LONGEST:
        problem = f"{end - start:.1f} s are too long for a picture, which shows at most {LONGEST:g} s"
        raise RequestError(f"{problem}; choose a part: start={start:g}, stop={start + LONGEST:g}")
    part = np.asarray(samples[round(start * rate) : round(end * rate)], np.float64)
    events = [e for e in speech.events if e.start < end and e.start + e.duration > start]
    words, phonemes = ([e for e in events if e.kind == kind] for kind in ("word", "phoneme"))
    return Excerpt(part, rate, start, end, words, phonemes)


def add_words(axes: Axes, part: Excerpt, phonemes: bool = True) -> None:
    """Label the axis of time with words, and above them phonemes, each in its span, as far as they fit."""
    lanes = [("phonemes", part.phonemes, 8.0)] if phonemes and part.phonemes else []
    lanes += [("words", part.words, 10.0)] if part.words else []
    axes.set_xlim(part.start, part.stop)
    axes.set_ylim(len(lanes), 0)
    axes.set_yticks([number + 0.5 for number in range(len(lanes))], [name for name, *_ in lanes])
    axes.tick_params(axis="y", length=0, labelsize=9)
    axes.set_xlabel("time (s)")
    inches = 0.78 * part.width / (part.stop - part.start)  # of a second: the rest is the margins
    for lane, (_, events, size) in enumerate(lanes):
        for event in events:
            low, high = max(event.start, part.start), min(event.start + event.duration, part.stop)
            axes.plot([low, low], [lane, lane + 1], color=GREY, linewidth=0.6)
            axes.plot([high, high], [lane, lane + 1], color=GREY, linewidth=0.6)
            _label(axes, event.text, (low + high) / 2, lane + 0.5, (high - low) * inches, size)
    for lane in range(1, len(lanes)):
        axes.axhline(lane, color=GRID, linewidth=0.6)


def _label(axes: Axes, text: str, x: float, y: float, inches: float, size: float) -> None:
    """Write a text that has some inches: smaller if it would not fit, shortened at the last."""
    letter = 0.66 / 72  # inches of a letter for each point of its size
    fitting = inches / max(1, len(text)) / letter
    if fitting < 5:
        keep = int(inches / (5 * letter)) - 1
        text, fitting = f"{text[:keep]}…" if keep > 0 else "", 5.0
    axes.text(x, y, text, size=min(size, fitting), ha="center", va="center", color=INK, clip_on=True, parse_math=False)


def _kind(thing: object) -> str:
    return type(thing).__name__
