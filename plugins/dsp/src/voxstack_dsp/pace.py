"""The block ``Pace``, which sets the durations of tokens."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from voxstack import RequestError, Resources, SequenceBlock, Utterance


@dataclass
class Pace(SequenceBlock):
    """Converts ``durations``, (tokens,) in frames as the voice predicts them, to whole frames at the requested pace.

    They are divided by ``rate``, by the request's optional control ``rate``, and by ``rates``, (tokens,), if the
    utterance has them. Another optional control, ``pause``, multiplies the durations of silences, which ``silences``,
    (tokens,) bool, marks. Where ``pauses``, (tokens,) in seconds, is not NaN, a token lasts that long, to the nearest
    frame, whatever the rates.

    The other tokens end at the frame nearest to the sum of their durations so far, so that rounding errors do not
    accumulate. Every token lasts at least one frame. The result has the dtype of ``durations``, if that is a
    floating-point one.

    :param rate: speed as a factor: 2 takes half as long.
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
        scaled = durations / (rate * np.asarray(utterance.get("rates", 1.0), np.float64))
        if pause != 1:
            scaled = np.where(utterance.get("silences", False), scaled * pause, scaled)
        fixed = self._fixed(utterance)
        if fixed is None:
            rounded = _rounded(scaled)
        else:
            free = np.isnan(fixed)
            rounded = np.where(free, _rounded(np.where(free, scaled, 0.0)), np.rint(fixed))
        dtype = durations.dtype if durations.dtype.kind == "f" else np.float32
        return {"durations": np.maximum(rounded, 1.0).astype(dtype)}

    def _fixed(self, utterance: Utterance) -> np.ndarray | None:
        """Return the frames of each token of requested length, NaN for the others; None if the voice determines all."""
        pauses = utterance.get("pauses")
        if pauses is None or np.isnan(pauses).all():
            return None
        assert not math.isnan(self._frames_per_second), "Pace reads pauses after load(addon)"
        return np.asarray(pauses, np.float64) * self._frames_per_second


def _rounded(durations: np.ndarray) -> np.ndarray:
    """Return whole durations whose sums are nearest to those of ``durations``."""
    whole: np.ndarray = np.rint(np.cumsum(durations))
    whole[1:] -= whole[:-1].copy()
    return whole


def _control(utterance: Utterance, name: str, above: bool) -> float:
    """Return a control of the request that is a factor: above 0, or at least 0."""
    value = float(utterance.get(name, 1.0))
    if not (math.isfinite(value) and (value > 0 if above else value >= 0)):
        required, example = ("above 0", "2 is twice as fast") if above else ("0 or more", "2 doubles the silences")
        raise RequestError(f"Pace: {name} is {value:g}, and must be a number {required}; {example}, 1 changes nothing")
    return value
