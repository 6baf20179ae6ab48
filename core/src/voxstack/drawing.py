"""Random numbers of a request: the same for the same seed, however they are drawn piece by piece."""

from __future__ import annotations

import zlib

import numpy as np

from voxstack.blocks import Utterance
from voxstack.errors import RequestError


def generator(utterance: Utterance, name: str) -> np.random.Generator:
    """The generator of a request's random numbers under a name; its control ``seed``, an integer from 0 on, is 0 where it is absent.

    Numbers drawn from it in pieces are those that are drawn at once. Names keep what is drawn for different purposes apart.

    :raises RequestError: for a seed that is no such integer.
    """
    seed = utterance.get("seed", 0)
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise RequestError(
            f"seed is {seed!r}, and must be an integer from 0 on; the same seed says a text the same way again"
        )
    return np.random.default_rng([int(seed), zlib.crc32(name.encode())])
