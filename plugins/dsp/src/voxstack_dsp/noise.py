"""Noise for networks that need it: drawn here, so that they stay deterministic."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from voxstack import SequenceBlock, Utterance
from voxstack.streaming.seeds import generator


@dataclass
class Noise(SequenceBlock):
    """Draws noise for an input of a network, (length, features) float32, as long as another tensor of the utterance.

    The request's optional control ``seed``, an integer from 0 on (0 where it is absent), decides what is drawn: the same seed and name
    give the same values, and a longer tensor the same ones and more.

    :param name: of what is drawn.
    :param like: name of the tensor whose first axis says how long.
    :param features: values a step.
    :param distribution: ``normal``, of mean 0 and deviation 1, or ``uniform``, from 0 to 1.
    """

    name: str
    like: str
    features: int = field(metadata={"minimum": 1})
    distribution: Literal["normal", "uniform"] = "normal"

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({self.like})

    @property
    def gives(self) -> frozenset[str]:
        return frozenset({self.name})

    def __call__(self, utterance: Utterance) -> Utterance:
        random, shape = generator(utterance, self.name), (len(utterance[self.like]), self.features)
        draw = random.standard_normal if self.distribution == "normal" else random.random
        return {self.name: draw(shape, np.float32)}
