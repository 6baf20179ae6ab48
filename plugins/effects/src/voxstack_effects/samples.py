"""The stream that effects read: samples, and their rate."""

from __future__ import annotations

from typing import Any

import numpy as np

from voxstack import Frames, NetworkError, PluginError

RATE_LIMITS: dict[str, Any] = {"minimum": 1, "maximum": 384_000}
"""Limits of the fields that are sample rates, Hz."""


def sample_chunks(source: Frames, block: str) -> Frames:
    """Yield the chunks of a stream of samples, as float32, without the empty ones.

    :param block: name of the block that reads them, for errors.
    :raises NetworkError: for a chunk that is something else.
    """
    for chunk in source:
        if not isinstance(chunk, np.ndarray) or chunk.ndim != 1 or chunk.dtype.kind != "f":
            form = f"{chunk.dtype} {chunk.shape}" if isinstance(chunk, np.ndarray) else type(chunk).__name__
            raise NetworkError(f"{block}: takes samples, (samples,), float32; the block before gave {form}")
        if len(chunk):
            with np.errstate(over="ignore"):
                samples = chunk.astype(np.float32, copy=False)
            yield samples


def known_rate(rate: int | None, block: str) -> int:
    """Return a sample rate, Hz.

    :raises PluginError: if the block has none yet.
    """
    if rate is None:
        raise PluginError(f"{block} has no sample rate: set its field sample_rate, or call load(addon) before it runs")
    return rate
