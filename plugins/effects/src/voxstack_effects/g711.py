"""Companding of ITU-T G.711: samples as a telephone network carries them, in 8 bits each."""

from __future__ import annotations

import functools
from typing import Literal

import numpy as np

Law = Literal["mu-law", "A-law"]

_MU_BIAS = 132
_MU_CLIP = 32_635


def companded(samples: np.ndarray, law: Law) -> np.ndarray:
    """Return samples, (samples,) float32, encoded and decoded again; those above 1 are clipped.

    :param law: mu-law of North America and Japan, A-law of the rest of the world.
    """
    scaled = np.nan_to_num(np.rint(samples * np.float64(32_768)), nan=0.0)
    indices = np.clip(scaled, -32_768, 32_767).astype(np.int64) + 32_768
    result: np.ndarray = _decoded(law)[indices]
    return result


@functools.cache
def _decoded(law: Law) -> np.ndarray:
    """Return what becomes of each 16-bit number from -32768 on, (65536,) float32, full scale 1."""
    numbers = np.arange(-32_768, 32_768)
    decode = _mu_law if law == "mu-law" else _a_law
    # Negative numbers are encoded by their complement: -1 is the first of its side, as 0 is of the other.
    magnitudes = np.where(numbers < 0, ~numbers, numbers)
    table: np.ndarray = (np.where(numbers < 0, -1, 1) * decode(magnitudes) / 32_768).astype(np.float32)
    table.flags.writeable = False
    return table


def _mu_law(magnitudes: np.ndarray) -> np.ndarray:
    """Return 16-bit magnitudes, each cut to the lower end of its interval, and decoded to its middle."""
    biased = np.minimum(magnitudes, _MU_CLIP) + _MU_BIAS
    segment = np.floor(np.log2(biased)).astype(np.int64) - 7
    mantissa = (biased >> (segment + 3)) & 15
    decoded: np.ndarray = (((mantissa << 3) + _MU_BIAS) << segment) - _MU_BIAS
    return decoded


def _a_law(magnitudes: np.ndarray) -> np.ndarray:
    """Return 16-bit magnitudes, each cut to the lower end of its interval, and decoded to its middle."""
    segment = np.maximum(np.floor(np.log2(np.maximum(magnitudes, 1))).astype(np.int64) - 7, 0)
    shift = np.maximum(segment - 1, 0)
    mantissa = (magnitudes >> (shift + 4)) & 15
    decoded: np.ndarray = ((mantissa << 4) + np.where(segment == 0, 8, 264)) << shift
    return decoded
