"""Faster and slower, longer and shorter silences."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from voxstack import RequestError, Resources, SequenceBlock, Utterance


@dataclass
class Pace(SequenceBlock):
    """Turns ``durations``, (tokens,) in frames as the voice has them, to whole frames at the pace that is asked for.

    They are divided by ``rate``, by the request's own ``rate``, an optional control, and by ``rates``, one a token, where the
    utterance has them. Another optional control, ``pause``, multiplies the silences, which ``silences``, (tokens,) bool, tells.
    Where ``pauses``, (tokens,) in seconds, is not NaN, a token lasts exactly so long, to the nearest frame, whatever the rates.

    The others end at the frame nearest to the sum of all others so far, so that rounding never adds up. Every token lasts a
    frame at least. The result has the dtype of ``durations``, if that is a floating one.

    :param rate: how many times as fast to speak: 2 takes half as long.
    """

    rate: float = field(default=1.0, metadata={"exclusiveMinimum": 0})
    _frames_per_second: float = field(default=math.nan, init=False, repr=False, compare=False)

    needs = frozenset({"durations"})
    gives = frozenset({"durations"})

    def load(self, addon: Resources) -> None:
        self._frames_per_second = addon.config["sample_rate"] / addon.config["hop_length"]

    def __call__(self, utterance: Utterance) -> Utterance:
        rate = self.rate * _control(utterance, "rate", above=True)
        pause = _control(utterance, "pause", above=False)
        durations = np.asarray(utterance["durations"])
        wanted = durations / (rate * np.asarray(utterance.get("rates", 1.0), np.float64))
        if pause != 1:
            wanted = np.where(utterance.get("silences", False), wanted * pause, wanted)
        exact = self._exact(utterance)
        if exact is None:
            rounded = _rounded(wanted)
        else:
            free = np.isnan(exact)
            rounded = np.where(free, _rounded(np.where(free, wanted, 0.0)), np.rint(exact))
        dtype = durations.dtype if durations.dtype.kind == "f" else np.float32
        return {"durations": np.maximum(rounded, 1.0).astype(dtype)}

    def _exact(self, utterance: Utterance) -> np.ndarray | None:
        """Frames of each token whose length is given, NaN for the others; None where the voice decides them all."""
        pauses = utterance.get("pauses")
        if pauses is None or np.isnan(pauses).all():
            return None
        assert not math.isnan(self._frames_per_second), "Pace reads pauses after load(addon)"
        return np.asarray(pauses, np.float64) * self._frames_per_second


def _rounded(durations: np.ndarray) -> np.ndarray:
    whole = np.rint(np.cumsum(durations))
    whole[1:] -= whole[:-1].copy()
    return whole


def _control(utterance: Utterance, name: str, above: bool) -> float:
    """A control of the request that is a factor: above 0, or from 0 on."""
    value = float(utterance.get(name, 1.0))
    if not (math.isfinite(value) and (value > 0 if above else value >= 0)):
        least, example = (
            ("above 0", "2 speaks twice as fast") if above else ("0 or more", "2 makes silences twice as long")
        )
        raise RequestError(
            f"Pace: {name} is {value:g}, and must be a number {least}; {example}, 1 as the voice was made"
        )
    return value
