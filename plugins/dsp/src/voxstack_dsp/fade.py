"""The block ``Fade``: soft starts and ends."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from voxstack import Frames, StreamableBlock, Utterance, windows
from voxstack_dsp.checks import sample_chunks


@dataclass
class Fade(StreamableBlock):
    """Fades samples, (samples,) float32, in at the start of the stream and out at its end.

    A fade is half a period of a cosine, or a straight line from 0 to 1, both included. Samples between the fades pass
    bit for bit. In a stream shorter than both fades, both apply.

    :param sample_rate: sample rate, Hz.
    :param in_ms: milliseconds from silence to the full level.
    :param out_ms: milliseconds from the full level to silence; also the lookahead.
    :param shape: ``cosine`` or ``linear``.
    """

    sample_rate: int = field(metadata={"minimum": 1, "maximum": 384_000})
    in_ms: float = field(default=2.0, metadata={"minimum": 0, "maximum": 10_000})
    out_ms: float = field(default=5.0, metadata={"minimum": 0, "maximum": 10_000})
    shape: Literal["cosine", "linear"] = "cosine"

    takes = "samples"
    makes = "samples"

    @property
    def lookahead(self) -> int:
        return round(self.out_ms * self.sample_rate / 1000)

    def stream(self, source: Frames, utterance: Utterance) -> Frames:
        rise_of = _rise if self.shape == "cosine" else _line
        rise, fall = rise_of(round(self.in_ms * self.sample_rate / 1000)), rise_of(self.lookahead)[::-1]
        for samples, _, size, start in windows(sample_chunks(source, "Fade"), 0, self.lookahead):
            to_end = len(samples) - size  # samples that follow; fewer only at the end
            faded = samples[:size]
            if start < len(rise):
                faded = _multiplied(faded, rise[start : start + size], 0)
            if to_end < len(fall):
                tail = fall[: len(fall) - to_end][-size:]
                faded = _multiplied(faded, tail, size - len(tail))
            yield faded


def _rise(steps: int) -> np.ndarray:
    """Return ``steps`` float32 factors that rise from 0 to 1, both excluded."""
    return (0.5 - 0.5 * np.cos(np.pi * np.arange(1, steps + 1) / (steps + 1))).astype(np.float32)


def _line(steps: int) -> np.ndarray:
    """Return ``steps`` float32 factors that rise from 0 to 1, both included."""
    return np.linspace(0.0, 1.0, steps, dtype=np.float32)


def _multiplied(samples: np.ndarray, factors: np.ndarray, start: int) -> np.ndarray:
    """Return a copy in which the samples from ``start`` on are multiplied by ``factors``."""
    changed = samples.copy()
    changed[start : start + len(factors)] *= factors
    return changed
