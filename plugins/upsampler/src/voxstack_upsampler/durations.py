"""Durations of tokens in whole frames."""

from __future__ import annotations

import numpy as np

from voxstack import NetworkError

MAX_FRAMES = 10_000_000
"""Frames of an utterance: more than a day of speech."""

LEAST = {"minimum": 0, "maximum": 1_000}
"""Limits of the fewest frames of a token."""


def round_durations(durations: np.ndarray, minimum: int, block: str) -> np.ndarray:
    """Round durations, (tokens,) in frames, to whole frames, int64.

    Each token ends at the frame nearest to the sum of all durations so far, so that rounding errors do not accumulate.

    :param minimum: fewest frames of a token.
    :param block: name of the calling block, for errors.
    :raises NetworkError: for durations that are negative, not finite, or of more than :data:`MAX_FRAMES` in all.
    """
    whole: np.ndarray = np.rint(np.cumsum(_checked(durations, block)))
    whole[1:] -= whole[:-1].copy()
    frames: np.ndarray = np.maximum(whole, minimum).astype(np.int64)
    return frames


def distribute_frames(durations: np.ndarray, total: int, block: str) -> np.ndarray:
    """Distribute frames among tokens in proportion to their durations, (tokens,).

    :param total: number of frames, whatever the durations add up to.
    :param block: name of the calling block, for errors.
    :returns: (tokens,) int64, the past-the-end frame of each token.
    :raises NetworkError: for durations that are negative, not finite, or of more than :data:`MAX_FRAMES` in all.
    """
    sums = np.cumsum(_checked(durations, block))
    scale = total / sums[-1] if len(sums) and sums[-1] > 0 else 0.0
    return np.rint(sums * scale).astype(np.int64)


def check_tokens(name: str, rows: np.ndarray, durations: np.ndarray, block: str) -> None:
    """Check that a tensor has one row for each token.

    :raises NetworkError: if it does not; it names the tensor.
    """
    if len(rows) != len(durations):
        counts = f"{name!r} has {len(rows)} tokens and 'durations' has {len(durations)}"
        raise NetworkError(f"{block}: {counts}; both must be of the same tokens")


def _checked(durations: np.ndarray, block: str) -> np.ndarray:
    values = np.asarray(durations, np.float64)
    if not np.isfinite(values).all() or (values < 0).any():
        raise NetworkError(
            f"{block}: 'durations' has values that are negative or not finite; each token lasts 0 or more frames"
        )
    if values.sum() > MAX_FRAMES:
        total = f"{values.sum():g} frames in all, and an utterance has at most {MAX_FRAMES}"
        raise NetworkError(f"{block}: 'durations' has {total}; check the network that predicts them, and the rate")
    return values
