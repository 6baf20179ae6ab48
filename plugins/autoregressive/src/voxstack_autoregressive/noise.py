"""Noise inputs, drawn for each decoding step."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from voxstack import Utterance
from voxstack.networks import NetworkSpec
from voxstack.streaming.seeds import generator


class StepNoise:
    """Draws the noise inputs of one utterance, step by step.

    Each input has its own generator (:func:`voxstack.streaming.seeds.generator`): equal requests get equal noise,
    whatever else runs.

    :param kinds: ``normal`` or ``uniform`` by input.
    :raises RequestError: for a seed that is not an integer of at least 0.
    """

    def __init__(self, kinds: Mapping[str, str], spec: NetworkSpec, utterance: Utterance) -> None:
        self._draws: dict[str, Callable[[], np.ndarray]] = {}
        for name, kind in kinds.items():
            shape = tuple(1 if axis == "batch" else int(axis) for axis in spec.inputs[name].shape)
            random = generator(utterance, name)
            draw = random.standard_normal if kind == "normal" else random.random
            self._draws[name] = lambda draw=draw, shape=shape: draw(shape, dtype=np.float32)  # type: ignore[misc]

    def draw(self) -> dict[str, np.ndarray]:
        """Return the noise of the next step, with its batch axis."""
        return {name: draw() for name, draw in self._draws.items()}
