"""The chunks of a stream."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from voxstack.streaming.timeline import Events


@dataclass(frozen=True, repr=False)
class Chunk:
    """A chunk of a stream: ``samples``, float32 in -1..1, the first of which has index ``start`` in the whole.

    ``events`` begin within the chunk, in order. The last chunk of a stream may have no samples, only events at its end.
    ``sample_rate`` is that of the voice in Hz, the same for all chunks of a stream; 0 in a chunk that no voice made.
    ``np.asarray(chunk)`` is its samples.
    """

    samples: np.ndarray
    start: int
    events: Events = field(default_factory=Events)
    sample_rate: int = 0

    @property
    def duration(self) -> float:
        """Duration in seconds; NaN in a chunk without sample rate."""
        return len(self.samples) / self.sample_rate if self.sample_rate else math.nan

    def pcm16(self) -> bytes:
        """Return the samples as 16-bit little-endian PCM, clipped to -1..1."""
        return pcm16(self.samples)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return as_array(self.samples, dtype, copy)

    def __repr__(self) -> str:
        if not self.sample_rate:
            return (
                f"Chunk({counted(len(self.samples), 'sample')} from {self.start}, {counted(len(self.events), 'event')})"
            )
        begin = self.start / self.sample_rate
        events = counted(len(self.events), "event")
        return f"Chunk({self.duration:.2f} s from {begin:.2f} s, {self.sample_rate} Hz, {events})"


def pcm16(samples: np.ndarray) -> bytes:
    """Return samples as 16-bit little-endian PCM, clipped to -1..1."""
    data: bytes = integers(samples).tobytes()
    return data


def integers(samples: np.ndarray) -> np.ndarray:
    """Return samples as 16-bit little-endian integers, clipped to -1..1."""
    rounded: np.ndarray = (np.clip(samples, -1.0, 1.0) * 32767.0).round().astype("<i2")
    return rounded


def as_array(samples: np.ndarray, dtype: Any, copy: bool | None) -> np.ndarray:
    """Return samples as ``np.asarray`` and ``np.array`` request them."""
    return np.array(samples, dtype, copy=copy)


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, such as ``2 words``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
