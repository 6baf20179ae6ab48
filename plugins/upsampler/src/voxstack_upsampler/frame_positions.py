"""The position of each frame in its token."""

from __future__ import annotations

import numpy as np

POSITION_CHANNELS = ("place", "length", "from_start", "to_end")
"""The channels of :func:`frame_positions`."""

_NEAR = 10  # frames beyond which a token's start or end counts as far


def frame_positions(durations: np.ndarray, start: int = 0, stop: int | None = None) -> np.ndarray:
    """Return the positions of the frames from ``start`` up to ``stop``, exclusive; by default of all.

    The result is (frames, 4) float32: one row per frame, one channel for each of :data:`POSITION_CHANNELS`.

    ``place`` is 0..1 from the start to the end of the token, ``length`` a third of the natural logarithm of its frames,
    ``from_start`` and ``to_end`` the frames to its ends, 0..1, 1 from ten frames on. None of them depends on other
    tokens, so the first frames can be computed before the length of the utterance matters.

    :param durations: (tokens,) in whole frames.
    """
    ends = np.cumsum(durations)
    total = int(ends[-1]) if len(ends) else 0
    counts = frames_within(ends, start, total if stop is None else stop)
    since = start + np.arange(counts.sum()) - np.repeat(ends - durations, counts)
    whole = np.repeat(durations, counts)
    from_start, to_end = np.minimum(since, _NEAR) / _NEAR, np.minimum(whole - 1 - since, _NEAR) / _NEAR
    return np.stack([(since + 0.5) / whole, np.log(whole) / 3, from_start, to_end], 1).astype(np.float32)


def frames_within(ends: np.ndarray, start: int, stop: int) -> np.ndarray:
    """Return how many of the frames from ``start`` up to ``stop``, exclusive, belong to each token, (tokens,).

    :param ends: (tokens,) past-the-end frame of each token.
    """
    within: np.ndarray = np.minimum(np.maximum(ends, start), stop)  # np.clip and np.diff take ten times as long
    within[1:] -= within[:-1].copy()
    within[:1] -= start
    return within
