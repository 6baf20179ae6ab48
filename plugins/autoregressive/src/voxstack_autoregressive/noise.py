"""Noise that is drawn anew for each step."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from voxstack import Utterance
from voxstack.drawing import generator
from voxstack.networks import NetworkSpec


class StepNoise:
    """Draws the noise inputs of one utterance, step after step.

    Each input has a generator of its own (:func:`voxstack.drawing.generator`): the same request hears the same noise, whatever else runs.

    :param kinds: ``normal`` or ``uniform`` by input.
    :raises RequestError: for a seed that is no integer from 0 on.
    """

    def __init__(self, kinds: Mapping[str, str], spec: NetworkSpec, utterance: Utterance) -> None:
        self._draws: dict[str, Callable[[], np.ndarray]] = {}
        for name, kind in kinds.items():
            shape = tuple(1 if axis == "batch" else int(axis) for axis in spec.inputs[name].shape)
            random = generator(utterance, name)
            draw = random.standard_normal if kind == "normal" else random.random
            self._draws[name] = lambda draw=draw, shape=shape: draw(shape, dtype=np.float32)  # type: ignore[misc]

    def draw(self) -> dict[str, np.ndarray]:
        """Noise for the next step, with its batch axis."""
        return {name: draw() for name, draw in self._draws.items()}
