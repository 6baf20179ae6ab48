"""Contours: values of tokens, interpolated over frames."""

from __future__ import annotations

import numpy as np


class Contours:
    """Interpolates values of tokens over frames: linearly from the middle of each token to the middle of the next.

    Before the first middle and after the last one, values are constant.

    :param values: (tokens, channels), finite.
    :param ends: (tokens,) past-the-end frame of each token; tokens of no frames are ignored.
    """

    def __init__(self, values: np.ndarray, ends: np.ndarray) -> None:
        durations = np.diff(ends, prepend=0)
        lasting = durations > 0
        self._middles = (ends - durations / 2)[lasting]
        self._values = np.asarray(values, np.float64)[lasting]

    def frames(self, start: int, stop: int) -> np.ndarray:
        """Return the frames from ``start`` up to ``stop``, (frames, channels) float32; cuts do not change them."""
        centres = np.arange(start, stop) + 0.5
        frames = np.empty((len(centres), self._values.shape[1]), np.float32)
        for number, channel in enumerate(self._values.T):
            frames[:, number] = np.interp(centres, self._middles, channel)
        return frames
