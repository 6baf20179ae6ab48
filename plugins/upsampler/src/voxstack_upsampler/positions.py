"""Where a frame stands in the token it belongs to."""

from __future__ import annotations

import numpy as np

POSITIONS = ("place", "length", "from_start", "to_end")
"""The channels of :func:`positions`."""

_NEAR = 10  # frames after which a token's start or end counts as far


def positions(durations: np.ndarray) -> np.ndarray:
    """Return (frames, 4) float32, one row a frame and one channel for each of :data:`POSITIONS`.

    ``place`` is 0..1 from the start to the end of the token, ``length`` a third of the natural logarithm of its frames,
    ``from_start`` and ``to_end`` the frames to its ends, 0..1, 1 from ten on. None of them looks beyond the token, so the
    first frames can be made before the length of the utterance matters.

    :param durations: (tokens,) whole frames that each token lasts.
    """
    ends = np.cumsum(durations)
    since = np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - durations, durations)
    whole = np.repeat(durations, durations)
    from_start, to_end = np.minimum(since, _NEAR) / _NEAR, np.minimum(whole - 1 - since, _NEAR) / _NEAR
    return np.stack([(since + 0.5) / whole, np.log(whole) / 3, from_start, to_end], 1).astype(np.float32)


class Contours:
    """Values of tokens, drawn over frames: straight lines from the middle of each token to the middle of the next.

    Before the first middle and behind the last a line is level.

    :param values: (tokens, channels), finite.
    :param ends: (tokens,) frame behind the last of each token; tokens of no frames have no say.
    """

    def __init__(self, values: np.ndarray, ends: np.ndarray) -> None:
        durations = np.diff(ends, prepend=0)
        lasting = durations > 0
        self._middles = (ends - durations / 2)[lasting]
        self._values = np.asarray(values, np.float64)[lasting]

    def frames(self, start: int, stop: int) -> np.ndarray:
        """Return frames ``start`` to ``stop``, (frames, channels) float32; how they are cut does not change them."""
        at = np.arange(start, stop) + 0.5
        return np.stack([np.interp(at, self._middles, channel) for channel in self._values.T], 1).astype(np.float32)
