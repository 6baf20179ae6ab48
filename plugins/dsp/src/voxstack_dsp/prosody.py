"""Higher and lower, livelier and flatter, stronger and softer."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from voxstack import NetworkError, RequestError, SequenceBlock, Utterance


@dataclass
class Prosody(SequenceBlock):
    """Changes the pitch and the energy that a voice predicts, before its decoder speaks them.

    Works on ``f0``, (tokens,) in Hz, and ``level``, (tokens,) in dB. The request's optional controls say how: ``pitch`` in
    semitones up; ``pitch_range``, the factor on the distance of each token's pitch from the mean of the utterance, in
    semitones, silences (``silences``, (tokens,) bool, where the utterance has them) not counted; ``energy`` in dB, which unlike a
    volume changes how the voice sounds. Results keep the dtype.

    :param lowest: pitch in Hz below which the voice does not go, whatever is asked for.
    :param highest: pitch in Hz above which it does not go.
    """

    lowest: float = field(default=70.0, metadata={"exclusiveMinimum": 0})
    highest: float = field(default=420.0, metadata={"exclusiveMinimum": 0})

    needs = frozenset({"f0", "level"})
    gives = frozenset({"f0", "level"})

    def __call__(self, utterance: Utterance) -> Utterance:
        pitch, energy = _control(utterance, "pitch", 0.0), _control(utterance, "energy", 0.0)
        span = _control(utterance, "pitch_range", 1.0)
        if span < 0:
            raise RequestError(f"Prosody: pitch_range is {span:g}, and must be 0 or more; 0 is flat, 1 as the voice was made")
        f0, level = np.asarray(utterance["f0"]), np.asarray(utterance["level"])
        if not f0.size:
            return {"f0": f0, "level": level}
        if not (f0 > 0).all():
            raise NetworkError("Prosody: 'f0' has values that are not above 0; every token has a pitch in Hz, voiceless ones too")
        moved = f0
        if span != 1:
            height = np.log(f0.astype(np.float64))
            mean = _mean(height, utterance.get("silences"))
            moved = np.exp(mean + (height - mean) * span)
        return {
            "f0": np.clip(moved * 2.0 ** (pitch / 12), self.lowest, self.highest).astype(f0.dtype),
            "level": (level + energy).astype(level.dtype),
        }


def _mean(height: np.ndarray, silences: np.ndarray | None) -> float:
    spoken = height[~np.asarray(silences, bool)] if silences is not None else height
    return float(spoken.mean() if spoken.size else height.mean())


def _control(utterance: Utterance, name: str, default: float) -> float:
    value = float(utterance.get(name, default))
    if not math.isfinite(value):
        raise RequestError(f"Prosody: {name} is {value:g}, and must be a finite number; {default:g} is as the voice was made")
    return value
