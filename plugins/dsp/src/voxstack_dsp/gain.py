"""The block ``Gain``, which changes the volume."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from voxstack import Frames, NetworkError, RequestError, Resources, StreamableBlock, Utterance
from voxstack_dsp.checks import control, finite, sample_chunks, vector

MAX_DB = 400
"""The highest gain of block and request together."""
_RAMP_SECONDS = 0.005  # a faster change would be audible as a click


@dataclass
class Gain(StreamableBlock):
    """Multiplies a stream of any kind by a factor: ``10 ** ((db + volume) / 20)``.

    ``volume``, in dB, is an optional control of the request. If the sum is 0 dB, samples pass bit for bit.

    If the utterance has ``volumes``, (tokens,) in dB, that differ from 0, the stream must consist of samples, and each
    token's volume applies from its first sample on: ``durations``, (tokens,) in whole frames, determines that sample
    (``Pace`` rounds them). The factor changes from one volume to the next linearly, in 5 ms.

    :param db: gain in dB; 6 (nearly) doubles the amplitude, -6 (nearly) halves it.
    :param hop_length: samples per frame; by default the addon's.
    """

    db: float = field(default=0.0, metadata={"minimum": -200, "maximum": 200})
    hop_length: int | None = field(default=None, metadata={"minimum": 1, "maximum": 65_536})
    _hop: int | None = field(default=None, init=False, repr=False, compare=False)
    _ramp: int = field(default=0, init=False, repr=False, compare=False)

    lookback = 0

    def load(self, addon: Resources) -> None:
        self._hop = addon.config["hop_length"]
        self._ramp = round(_RAMP_SECONDS * addon.config["sample_rate"])

    def stream(self, source: Frames, utterance: Utterance) -> Frames:
        db = self.db + control(utterance, "volume", 0.0, "Gain")
        volumes = vector(utterance.get("volumes", ()), "volumes", "Gain").astype(np.float64)
        if not db <= MAX_DB or not (db + volumes <= MAX_DB).all():
            raise RequestError(f"Gain: the volume is above {MAX_DB} dB, or is no number; choose a lower one")
        if volumes.any():
            yield from self._by_token(sample_chunks(source, "Gain"), db + volumes, utterance.get("durations"))
            return
        factor = float(10.0 ** (db / 20.0))
        for chunk in source:
            if not isinstance(chunk, np.ndarray) or chunk.dtype.kind not in "biufc":
                raise NetworkError(f"Gain: takes arrays of numbers; the block before gave {type(chunk).__name__}")
            yield chunk if db == 0 else chunk * factor  # a Python float leaves the dtype as it is

    def _by_token(self, source: Frames, volumes: np.ndarray, durations: np.ndarray | None) -> Frames:
        positions, factors = self._breakpoints(volumes, durations)
        start = 0
        for chunk in source:
            factor = np.interp(np.arange(start, start + len(chunk)), positions, factors)
            start += len(chunk)
            yield (chunk * factor).astype(chunk.dtype)

    def _breakpoints(self, volumes: np.ndarray, durations: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        """Return the samples between which the factor is linear, and the factor at each."""
        hop = self.hop_length or self._hop
        frames = vector(durations if durations is not None else (), "durations", "Gain").astype(np.float64)
        finite(frames, "durations", "Gain")
        if hop is None or len(frames) != len(volumes) or (frames != np.rint(frames)).any() or (frames < 0).any():
            raise NetworkError(
                "Gain: 'volumes' differ between tokens; to locate the tokens, it needs 'durations' of as many tokens, "
                "in whole frames, and the samples per frame; put a Pace after the block that gives the durations, and "
                "set hop_length where there is no addon"
            )
        factors = 10.0 ** (volumes / 20.0)
        starts = np.concatenate([[0], np.cumsum(frames)[:-1]]) * hop
        ramps = np.minimum(self._ramp, frames * hop)
        changes = np.flatnonzero(np.diff(factors)) + 1
        positions = np.stack([starts[changes], starts[changes] + ramps[changes]], 1).ravel()
        values = np.stack([factors[changes - 1], factors[changes]], 1).ravel()
        return (positions, values) if len(changes) else (np.zeros(1), factors[:1])
