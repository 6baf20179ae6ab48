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
        """Return the frames from ``start`` up to ``stop``, exclusive; only the tokens that they belong to are read."""
        first = int(np.searchsorted(self._ends, start, "right"))
        last = int(np.searchsorted(self._ends, stop, "left")) + 1
        rows, durations = self._rows[first:last], self._durations[first:last]
        skip = start - int(self._ends[first] - durations[0]) if len(durations) else 0
        window = slice(skip, skip + stop - start)
        parts = [np.repeat(rows, durations, axis=0)[window]]
        if self._positions:
            parts.append(frame_positions(durations)[window])
        if self._contours:
            parts.append(self._contours.frames(start, stop))
        return np.concatenate(parts, 1, dtype=rows.dtype, casting="same_kind") if len(parts) > 1 else parts[0]
