"""Faster and slower."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from voxstack import RequestError, SequenceBlock, Utterance


@dataclass
class Pace(SequenceBlock):
    """Divides ``durations``, (tokens,) in frames, by ``rate`` and by the request's own ``rate``, an optional control.

    The result is in fractions of frames; whatever draws the frames rounds it.

    :param rate: how many times as fast to speak: 2 takes half as long.
    """

    rate: float = field(default=1.0, metadata={"exclusiveMinimum": 0})

    needs = frozenset({"durations"})
    gives = frozenset({"durations"})

    def __call__(self, utterance: Utterance) -> Utterance:
        asked = utterance.get("rate", 1.0)
        if not (asked > 0 and math.isfinite(asked)):
            raise RequestError(f"Pace: rate is {asked}, and must be a number above 0; 2 speaks twice as fast, 1 as the voice was made")
        return {"durations": np.asarray(utterance["durations"]) / float(self.rate * asked)}
