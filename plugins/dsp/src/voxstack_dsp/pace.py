"""The block ``Pace``, which sets the durations of tokens."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from voxstack import NetworkError, RequestError, Resources, SequenceBlock, Utterance
from voxstack_dsp.checks import control, finite, vector


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
        durations = finite(vector(utterance["durations"], "durations", "Pace"), "durations", "Pace")
        scaled = durations / (rate * _rates(utterance, len(durations)))
        silences = utterance.get("silences")
        if pause != 1 and silences is not None:
            silences = vector(silences, "silences", "Pace", len(durations)).astype(bool)
            scaled = np.where(silences, scaled * pause, scaled)
        fixed = self._fixed(utterance, len(durations))
        if fixed is None:
            rounded = _rounded(scaled)
        else:
            free = np.isnan(fixed)
            rounded = np.where(free, _rounded(np.where(free, scaled, 0.0)), np.rint(fixed))
        dtype = durations.dtype if durations.dtype.kind == "f" else np.float32
        return {"durations": np.maximum(rounded, 1.0).astype(dtype)}

    def _fixed(self, utterance: Utterance, tokens: int) -> np.ndarray | None:
        """Return the frames of each token of requested length, NaN for the others; None if the voice determines all."""
        pauses = utterance.get("pauses")
        if pauses is None:
            return None
        pauses = vector(pauses, "pauses", "Pace", tokens)
        if np.isnan(pauses).all():
            return None
        assert not math.isnan(self._frames_per_second), "Pace reads pauses after load(addon)"
        return np.asarray(pauses, np.float64) * self._frames_per_second


def _rates(utterance: Utterance, tokens: int) -> np.ndarray | float:
    """Return the factor of each token, or of all."""
    rates = utterance.get("rates")
    if rates is None:
        return 1.0
    rates = vector(rates, "rates", "Pace", tokens).astype(np.float64)
    if not ((rates > 0) & np.isfinite(rates)).all():
        raise NetworkError("Pace: 'rates' has values that are not finite or not above 0; each is a factor")
    return rates


def _rounded(durations: np.ndarray) -> np.ndarray:
    """Return whole durations whose sums are nearest to those of ``durations``."""
    whole: np.ndarray = np.rint(np.cumsum(durations))
    whole[1:] -= whole[:-1].copy()
    return whole


def _control(utterance: Utterance, name: str, above: bool) -> float:
    """Return a control of the request that is a factor: above 0, or at least 0."""
    required, example = ("above 0", "2 is twice as fast") if above else ("0 or more", "2 doubles the silences")
    value = control(utterance, name, 1.0, "Pace", f"a number {required}")
    if not (value > 0 if above else value >= 0):
        raise RequestError(f"Pace: {name} is {value:g}, and must be a number {required}; {example}, 1 changes nothing")
    return value
