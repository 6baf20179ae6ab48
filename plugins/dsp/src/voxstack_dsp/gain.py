"""Louder and quieter."""

from __future__ import annotations

from dataclasses import dataclass

from voxstack import Frames, StreamableBlock, Utterance


@dataclass
class Gain(StreamableBlock):
    """Multiplies a stream of any kind by a constant: ``10 ** ((db + volume) / 20)``.

    ``volume``, in dB, is an optional control of the request. Where both add up to 0 dB the chunks pass untouched.

    :param db: gain in dB; 6 doubles the amplitude, -6 halves it (nearly).
    """

    db: float = 0.0

    def stream(self, source: Frames, utterance: Utterance) -> Frames:
        db = self.db + utterance.get("volume", 0.0)
        factor = float(10.0 ** (db / 20.0))
        for chunk in source:
            yield chunk if db == 0 else chunk * factor  # a Python float leaves the dtype as it is
