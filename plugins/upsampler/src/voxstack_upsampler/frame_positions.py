"""The position of each frame in its token."""

from __future__ import annotations

import numpy as np

POSITION_CHANNELS = ("place", "length", "from_start", "to_end")
"""The channels of :func:`frame_positions`."""

_NEAR = 10  # frames beyond which a token's start or end counts as far


def frame_positions(durations: np.ndarray, counts: np.ndarray | None = None, skipped: int = 0) -> np.ndarray:
    """Return (frames, 4) float32: one row per frame, one channel for each of :data:`POSITION_CHANNELS`.

    ``place`` is 0..1 from the start to the end of the token, ``length`` a third of the natural logarithm of its frames,
    ``from_start`` and ``to_end`` the frames to its ends, 0..1, 1 from ten frames on. None of them depends on other
    tokens, so the first frames can be computed before the length of the utterance matters.

    :param durations: (tokens,) in whole frames.
    :param counts: (tokens,) how many frames of each token are returned; by default all.
    :param skipped: frames of the first token before those that are returned.
    """
    if counts is None:
        counts = durations
    starts = counts.cumsum() - counts  # of each token in the result
    starts[:1] -= skipped
    whole = durations.repeat(counts)
    since = np.arange(len(whole)) - starts.repeat(counts)
    positions = np.empty((len(whole), len(POSITION_CHANNELS)), np.float32)
    positions[:, 0] = (since + 0.5) / whole
    positions[:, 1] = np.log(whole) / 3
    positions[:, 2] = np.minimum(since, _NEAR) / _NEAR
    positions[:, 3] = np.minimum(whole - 1 - since, _NEAR) / _NEAR
    return positions
