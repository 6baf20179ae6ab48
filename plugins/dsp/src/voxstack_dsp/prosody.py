"""The block ``Prosody``, which changes predicted pitch and energy."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from voxstack import NetworkError, RequestError, SequenceBlock, Utterance
from voxstack_dsp.checks import control, vector


@dataclass
class Prosody(SequenceBlock):
    """Changes the pitch and the energy that a voice predicts, before its decoder reads them.

    It changes ``lf0``, (tokens,), the natural logarithm of the pitch in Hz, and ``level``, (tokens,) in dB, by the
    request's optional controls: ``pitch``, in semitones upwards; ``pitch_range``, a factor on the distance of each
    token's pitch from the mean of the utterance, in semitones, without silences (``silences``, (tokens,) bool, if the
    utterance has them); ``energy``, in dB, which unlike a volume changes how the voice sounds. Results keep the dtype.

    :param lowest: lowest pitch, Hz, whatever is requested.
    :param highest: highest pitch, Hz.
    """

    lowest: float = field(default=70.0, metadata={"exclusiveMinimum": 0})
    highest: float = field(default=420.0, metadata={"exclusiveMinimum": 0})

    needs = frozenset({"lf0", "level"})
    gives = frozenset({"lf0", "level"})

    def __call__(self, utterance: Utterance) -> Utterance:
        pitch, energy = (control(utterance, name, 0.0, "Prosody") for name in ("pitch", "energy"))
        span = control(utterance, "pitch_range", 1.0, "Prosody")
        if span < 0:
            raise RequestError(f"Prosody: pitch_range is {span:g}, and must be 0 or more; 0 is flat, 1 changes nothing")
        lf0 = vector(utterance["lf0"], "lf0", "Prosody")
        level = vector(utterance["level"], "level", "Prosody", len(lf0))
        if not lf0.size:
            return {"lf0": lf0, "level": level}
        if not np.isfinite(lf0).all():
            raise NetworkError(
                "Prosody: 'lf0' has values that are not finite; every token needs a pitch, even a voiceless one"
            )
        mean = _mean(lf0, utterance.get("silences")) if span != 1 else 0.0
        moved = mean + (lf0 - mean) * span + pitch * math.log(2) / 12
        limits = (math.log(self.lowest), math.log(self.highest))
        return {"lf0": np.clip(moved, *limits).astype(lf0.dtype), "level": (level + energy).astype(level.dtype)}


def _mean(lf0: np.ndarray, silences: np.ndarray | None) -> float:
    """Return the mean without silences, unless there is nothing else."""
    spoken = lf0
    if silences is not None:
        spoken = lf0[~vector(silences, "silences", "Prosody", len(lf0)).astype(bool)]
    return float((spoken if spoken.size else lf0).mean(dtype=np.float64))
