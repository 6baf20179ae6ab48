"""The block ``SpeakerBlend``, which turns a speaker, or a blend of several, into a weight for each."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from voxstack import RequestError, SequenceBlock, StackError, Utterance, did_you_mean

MAX_PARTS = 64
"""The most speakers of a blend."""

MAX_WEIGHT = 1e6
"""The largest weight of a speaker in a blend."""


@dataclass
class SpeakerBlend(SequenceBlock):
    """Turns the control ``speaker`` into ``speaker_weights``, (speakers,) float32, for a network that mixes speakers.

    The control is the name of a speaker, or a blend: names joined by ``+``, each with its weight after a colon, as in
    ``amy:0.6+bob:0.4``. A name without a weight has 1. The weights are above 0, and are divided by their sum; a speaker
    alone has exactly 1, and all others exactly 0. The network computes the sum of what it knows of each speaker, times
    the weight.

    :param names: names of all speakers, in the order of the weights.
    :param default: the speaker or blend if the request names none; by default the first speaker.
    """

    names: list[str] = field(metadata={"minItems": 1})
    default: str | None = None

    gives = frozenset({"speaker_weights"})

    def load(self, addon: object) -> None:
        twice = [name for name, count in Counter(self.names).items() if count > 1]
        if twice:
            raise StackError("names", f"two speakers are named {min(twice)!r}; rename one of them")
        if self.default is not None:
            try:
                self._weights(self.default)
            except RequestError as error:
                raise StackError("default", str(error)) from error

    def __call__(self, utterance: Utterance) -> Utterance:
        speaker = utterance.get("speaker", self.default)
        return {"speaker_weights": self._weights(self.names[0] if speaker is None else speaker)}

    def _weights(self, speaker: object) -> np.ndarray:
        """Return the weight of each speaker, (speakers,) float32."""
        if not isinstance(speaker, str):
            raise RequestError(f"SpeakerBlend: the speaker is {speaker!r}; write a name, or a blend: amy:0.6+bob:0.4")
        parts = [speaker] if speaker in self.names else speaker.split("+", MAX_PARTS)
        if len(parts) > MAX_PARTS:
            raise RequestError(f"SpeakerBlend: a blend has at most {MAX_PARTS} speakers; leave some out")
        weights = np.zeros(len(self.names))
        for part in parts:
            name, weight = self._name_and_weight(part.strip(), speaker)
            weights[self.names.index(name)] += weight
        shares: np.ndarray = (weights / weights.sum()).astype(np.float32)
        return shares

    def _name_and_weight(self, part: str, speaker: str) -> tuple[str, float]:
        """Return the name and the weight of one part of a blend."""
        if part in self.names:
            return part, 1.0
        name, colon, text = (found.strip() for found in part.rpartition(":"))
        if not colon:
            name = part
        if name not in self.names:
            available = ", ".join(self.names[:12]) + (f", ... ({len(self.names)} in all)" if self.names[12:] else "")
            where = "" if part == speaker else f" in {speaker!r}"
            suggestion = did_you_mean(name, self.names)
            raise RequestError(f"SpeakerBlend: there is no speaker {name!r}{where}{suggestion}; use one of {available}")
        try:
            weight = float(text)
        except ValueError:
            weight = math.nan
        if not 0 < weight <= MAX_WEIGHT:
            raise RequestError(
                f"SpeakerBlend: {text!r} in {speaker!r} is no weight; write a number above 0 after the colon: "
                f"{name}:0.5"
            )
        return name, weight
