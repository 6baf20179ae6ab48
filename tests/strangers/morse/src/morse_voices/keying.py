"""The block ``Morse``."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import numpy as np

from voxstack import Frames, Resources, StreamableBlock, Utterance

CODES = dict(
    zip(
        "abcdefghijklmnopqrstuvwxyz0123456789",
        ".- -... -.-. -.. . ..-. --. .... .. .--- -.- .-.. -- -. --- .--. --.- .-. ... - ..- ...- .-- -..- -.-- --.. "
        "----- .---- ..--- ...-- ....- ..... -.... --... ---.. ----.".split(),
        strict=True,
    )
)
"""ITU-R M.1677-1."""


@dataclass
class Morse(StreamableBlock):
    """Keys a text: samples, (samples,) float32. A dot is 1.2 s over the words per minute; a dash is three dots.

    :param words_per_minute: of the word PARIS; the request's optional control ``rate`` multiplies it.
    :param frequency: of the tone, Hz.
    """

    words_per_minute: float = field(default=20.0, metadata={"minimum": 1, "maximum": 200})
    frequency: float = field(default=600.0, metadata={"minimum": 20, "maximum": 4000})
    _sample_rate: int = field(default=8000, init=False, repr=False, compare=False)

    needs = frozenset({"text"})
    head = True
    makes = "samples"

    def load(self, addon: Resources) -> None:
        self._sample_rate = addon.config["sample_rate"]

    def stream(self, source: Frames, utterance: Utterance) -> Frames:
        rate = float(utterance.get("rate", 1.0)) * self.words_per_minute
        dot = max(1, round(1.2 / rate * self._sample_rate))
        for letter in itertools.chain.from_iterable(utterance["text"]):
            for sign in CODES.get(letter.lower(), ""):
                yield self._tone(dot if sign == "." else 3 * dot)
                yield np.zeros(dot, np.float32)
            yield np.zeros(2 * dot, np.float32)

    def _tone(self, count: int) -> np.ndarray:
        """Return a tone with soft ends of 5 ms, which do not click."""
        times = np.arange(count)
        ramp = np.minimum(1, np.minimum(times + 1, count - times) / (0.005 * self._sample_rate))
        return (0.5 * ramp * np.sin(2 * np.pi * self.frequency / self._sample_rate * times)).astype(np.float32)
