"""The block ``Noise``, which draws noise for networks, so that they stay deterministic."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from voxstack import NetworkError, SequenceBlock, Utterance
from voxstack.streaming.seeds import generator


@dataclass
class Noise(SequenceBlock):
    """Draws noise for an input of a network, (length, features) float32, as long as another tensor of the utterance.

    The values depend on the request's optional control ``seed``, an integer of at least 0 (0 if absent), and on
    ``name``. Noise for a longer tensor begins with that for a shorter one.

    :param name: name of the noise in the utterance.
    :param like: name of the tensor that is as long, on its first axis.
    :param features: values per step.
    :param distribution: ``normal``, of mean 0 and deviation 1, or ``uniform``, from 0 to 1.
    """

    name: str
    like: str
    features: int = field(metadata={"minimum": 1, "maximum": 65536})
    distribution: Literal["normal", "uniform"] = "normal"

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({self.like})

    @property
    def gives(self) -> frozenset[str]:
        return frozenset({self.name})

    def __call__(self, utterance: Utterance) -> Utterance:
        try:
            length = len(utterance[self.like])
        except TypeError as error:
            raise NetworkError(f"Noise: {self.like!r} has no length; name a tensor whose first axis has one") from error
        random, shape = generator(utterance, self.name), (length, self.features)
        draw = random.standard_normal if self.distribution == "normal" else random.random
        return {self.name: draw(shape, np.float32)}
