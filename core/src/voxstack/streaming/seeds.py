"""Random numbers of a request: the same for the same seed, whatever the sizes they are drawn in."""

from __future__ import annotations

import zlib

import numpy as np

from voxstack.errors import RequestError
from voxstack.utterance import Utterance


def generator(utterance: Utterance, name: str) -> np.random.Generator:
    """Return a random generator for one purpose, ``name``, of a request.

    The utterance's control ``seed``, an integer of at least 0, is 0 if absent. Numbers drawn in several calls equal
    those drawn in one.

    :raises RequestError: for a seed that is not such an integer.
    """
    seed = utterance.get("seed", 0)
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise RequestError(f"seed is {seed!r}, and must be an integer from 0 on; equal seeds give equal speech")
    return np.random.default_rng([int(seed), zlib.crc32(name.encode())])
