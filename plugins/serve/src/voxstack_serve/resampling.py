"""Streaming conversion of sample rates."""

from __future__ import annotations

import numpy as np


class Resampler:
    """A change of the sample rate whose state goes on from chunk to chunk.

    The joined output is that of ``soxr.resample`` on the whole, bit for bit, however the input is cut.
    """

    def __init__(self, source_rate: int, target_rate: int) -> None:
        self._stream = None
        if source_rate != target_rate:
            import soxr

            self._stream = soxr.ResampleStream(source_rate, target_rate, 1, "float32", "HQ")

    def resample(self, samples: np.ndarray) -> np.ndarray:
        """Return what is ready of the output."""
        if self._stream is None:
            return samples
        found: np.ndarray = self._stream.resample_chunk(np.ascontiguousarray(samples, np.float32))
        return found

    def finish(self) -> np.ndarray:
        """Return the rest of the output."""
        empty = np.zeros(0, np.float32)
        if self._stream is None:
            return empty
        found: np.ndarray = self._stream.resample_chunk(empty, last=True)
        return found
