"""The expansion of tokens to frames, shared by ``Upsampler`` and ``Expand``."""

from __future__ import annotations

import numpy as np

from voxstack_upsampler.contours import Contours
from voxstack_upsampler.frame_positions import frame_positions


class LengthRegulator:
    """Repeats the row of each token for the frames that it lasts: the length regulator of FastSpeech (Ren et al. 2019).

    :param rows: (tokens, channels) or (tokens,).
    :param durations: (tokens,) in whole frames.
    :param positions: whether to append the channels of :func:`frame_positions`; rows must have channels then.
    :param contours: contours of which one channel each is appended.
    """

    def __init__(
        self, rows: np.ndarray, durations: np.ndarray, positions: bool = False, contours: Contours | None = None
    ) -> None:
        self.total = int(durations.sum())
        """Number of frames."""
        self._rows, self._durations, self._positions, self._contours = rows, durations, positions, contours
        self._ends = np.cumsum(durations)

    def frames(self, start: int, stop: int) -> np.ndarray:
        """Return the frames from ``start`` up to ``stop``, exclusive.

        Only the tokens that they belong to are read, and no other frames of these are computed, however long they last.
        """
        first = int(self._ends.searchsorted(start, "right"))
        last = int(self._ends.searchsorted(stop, "left")) + 1
        rows, durations = self._rows[first:last], self._durations[first:last]
        counts, skipped = durations.copy(), 0
        if len(counts):
            skipped = start - int(self._ends[first] - durations[0])
            counts[0] -= skipped
            counts[-1] -= max(0, int(self._ends[first + len(counts) - 1]) - stop)
        parts = [rows.repeat(counts, axis=0)]
        if self._positions:
            parts.append(frame_positions(durations, counts, skipped))
        if self._contours:
            parts.append(self._contours.frames(start, stop))
        return np.concatenate(parts, 1, dtype=rows.dtype, casting="same_kind") if len(parts) > 1 else parts[0]
