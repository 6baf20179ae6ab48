"""Noise that is drawn anew for each step."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping

import numpy as np

from voxstack import Utterance
from voxstack.networks import NetworkSpec


class StepNoise:
    """Draws the noise inputs of one utterance, step after step.

    Each input has a generator of its own, seeded with the request's ``seed`` (0 where it has none) and the input's name: the same
    request hears the same noise, whatever else runs.

    :param kinds: ``normal`` or ``uniform`` by input.
    """

    def __init__(self, kinds: Mapping[str, str], spec: NetworkSpec, utterance: Utterance) -> None:
        seed = int(utterance.get("seed", 0))
        self._draws: dict[str, Callable[[], np.ndarray]] = {}
        for name, kind in kinds.items():
            shape = tuple(1 if axis == "batch" else int(axis) for axis in spec.inputs[name].shape)
            generator = np.random.default_rng([abs(seed), int(seed < 0), zlib.crc32(name.encode())])
            draw = generator.standard_normal if kind == "normal" else generator.random
            self._draws[name] = lambda draw=draw, shape=shape: draw(shape, dtype=np.float32)  # type: ignore[misc]

    def draw(self) -> dict[str, np.ndarray]:
        """Noise for the next step, with its batch axis."""
        return {name: draw() for name, draw in self._draws.items()}
