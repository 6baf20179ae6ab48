"""The block ``Noise``, which draws noise for networks, so that they stay deterministic."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from voxstack import NetworkError, SequenceBlock, Utterance
from voxstack.streaming.seeds import generator

MAX_ELEMENTS = 2**28
"""Values of noise of an utterance: 1 GiB."""


@dataclass
class Noise(SequenceBlock):
    """Draws noise for an input of a network, (length, features) float32, as long as another tensor of the utterance.

    The length may also be predicted: ``like`` then names the number itself. The values depend on the request's optional
    control ``seed``, an integer of at least 0 (0 if absent), and on ``name``. Noise for a longer tensor begins with
    that for a shorter one.

    :param name: name of the noise in the utterance.
    :param like: name of the tensor that is as long, on its first axis; or of the length, () of an integer type.
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
        random, shape = generator(utterance, self.name), (self._length(utterance[self.like]), self.features)
        draw = random.standard_normal if self.distribution == "normal" else random.random
        return {self.name: draw(shape, np.float32)}

    def _length(self, like: object) -> int:
        array = np.asarray(like)
        if array.ndim == 0 and array.dtype.kind not in "iu":
            problem = f"{self.like!r} has no length; name a tensor whose first axis has one, or a whole number"
            raise NetworkError(f"Noise: {problem}")
        length = int(array) if array.ndim == 0 else len(array)
        if not 0 <= length <= MAX_ELEMENTS // self.features:
            limit = f"there are from 0 to {MAX_ELEMENTS // self.features} of {self.features} values"
            raise NetworkError(f"Noise: {self.like!r} asks for {length} steps, and {limit}; shorten the text")
        return length
