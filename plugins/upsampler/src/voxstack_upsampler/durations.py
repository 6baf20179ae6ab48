"""How long tokens last."""

from __future__ import annotations

import numpy as np

from voxstack import NetworkError


def whole_frames(durations: np.ndarray, least: int, block: str) -> np.ndarray:
    """Round durations, (tokens,), to whole frames, int64.

    Each token ends at the frame nearest to the sum of all durations so far, so that rounding never adds up.

    :param least: frames that a token lasts at least.
    :param block: who asks, for errors.
    :raises NetworkError: for durations that are negative or not finite.
    """
    whole: np.ndarray = np.rint(np.cumsum(_checked(durations, block)))
    whole[1:] -= whole[:-1].copy()
    frames: np.ndarray = np.maximum(whole, least).astype(np.int64)
    return frames


def shared_ends(durations: np.ndarray, total: int, block: str) -> np.ndarray:
    """Share frames among tokens by their durations, (tokens,): return the frame behind the last of each, int64.

    :param total: frames in all, whatever the durations add up to.
    :param block: who asks, for errors.
    :raises NetworkError: for durations that are negative or not finite.
    """
    sums = np.cumsum(_checked(durations, block))
    share = total / sums[-1] if len(sums) and sums[-1] > 0 else 0.0
    return np.rint(sums * share).astype(np.int64)


def same_tokens(name: str, rows: np.ndarray, durations: np.ndarray, block: str) -> None:
    """Check that a tensor has a row for each token.

    :raises NetworkError: naming the tensor.
    """
    if len(rows) != len(durations):
        counts = f"{name!r} has {len(rows)} tokens and 'durations' has {len(durations)}"
        raise NetworkError(f"{block}: {counts}; both must be of the same tokens")


def _checked(durations: np.ndarray, block: str) -> np.ndarray:
    values = np.asarray(durations, np.float64)
    if not np.isfinite(values).all() or (values < 0).any():
        raise NetworkError(
            f"{block}: 'durations' has values that are negative or not finite; frames are counted from 0 up"
        )
    return values
