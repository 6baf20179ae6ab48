"""From one row a token to one a frame."""

from __future__ import annotations

import numpy as np

from voxstack_upsampler.positions import Contours, positions


class Expansion:
    """Rows of tokens, each to be repeated for the frames that its token lasts.

    :param rows: (tokens, channels) or (tokens,).
    :param durations: (tokens,) whole frames.
    :param placed: append the channels of :func:`positions`; rows have channels then.
    :param contours: append a channel for each of them.
    """

    def __init__(
        self, rows: np.ndarray, durations: np.ndarray, placed: bool = False, contours: Contours | None = None
    ) -> None:
        self.total = int(durations.sum())
        """Frames in all."""
        self._rows, self._durations, self._placed, self._contours = rows, durations, placed, contours
        self._ends = np.cumsum(durations)

    def frames(self, start: int, stop: int) -> np.ndarray:
        """Frames ``start`` to ``stop``; only the tokens that they belong to are looked at."""
        first = int(np.searchsorted(self._ends, start, "right"))
        last = int(np.searchsorted(self._ends, stop, "left")) + 1
        rows, durations = self._rows[first:last], self._durations[first:last]
        skip = start - int(self._ends[first] - durations[0]) if len(durations) else 0
        window = slice(skip, skip + stop - start)
        parts = [np.repeat(rows, durations, axis=0)[window]]
        if self._placed:
            parts.append(positions(durations)[window])
        if self._contours:
            parts.append(self._contours.frames(start, stop))
        return np.concatenate(parts, 1, dtype=rows.dtype, casting="same_kind") if len(parts) > 1 else parts[0]
