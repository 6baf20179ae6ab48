"""Louder and quieter."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from voxstack import Frames, NetworkError, Resources, StreamableBlock, Utterance

_RAMP_SECONDS = 0.005  # a change in less would be heard as a click


@dataclass
class Gain(StreamableBlock):
    """Multiplies a stream of any kind by a factor: ``10 ** ((db + volume) / 20)``.

    ``volume``, in dB, is an optional control of the request. Where all adds up to 0 dB samples pass bit for bit.

    Where the utterance has ``volumes``, (tokens,) in dB, that differ from 0, the stream is samples, and each token's volume
    counts from its first sample on: ``durations``, (tokens,) in whole frames, says where that is (``Pace`` makes them whole).
    From one volume to the next the factor goes in a straight line, in 5 ms.

    :param db: gain in dB; 6 doubles the amplitude, -6 halves it (nearly).
    :param hop_length: samples a frame; the addon's, unless given.
    """

    db: float = 0.0
    hop_length: int | None = field(default=None, metadata={"minimum": 1})
    _hop: int | None = field(default=None, init=False, repr=False, compare=False)
    _ramp: int = field(default=0, init=False, repr=False, compare=False)

    def load(self, addon: Resources) -> None:
        self._hop = addon.config["hop_length"]
        self._ramp = round(_RAMP_SECONDS * addon.config["sample_rate"])

    def stream(self, source: Frames, utterance: Utterance) -> Frames:
        db = self.db + utterance.get("volume", 0.0)
        volumes = np.asarray(utterance.get("volumes", ()), np.float64)
        if volumes.any():
            yield from self._by_token(source, db + volumes, utterance.get("durations"))
            return
        factor = float(10.0 ** (db / 20.0))
        for chunk in source:
            yield chunk if db == 0 else chunk * factor  # a Python float leaves the dtype as it is

    def _by_token(self, source: Frames, volumes: np.ndarray, durations: np.ndarray | None) -> Frames:
        places, factors = self._corners(volumes, durations)
        start = 0
        for chunk in source:
            factor = np.interp(np.arange(start, start + len(chunk)), places, factors)
            start += len(chunk)
            yield (chunk * factor).astype(chunk.dtype)

    def _corners(self, volumes: np.ndarray, durations: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        """Samples between which the factor goes in straight lines, and the factor at each."""
        hop = self.hop_length or self._hop
        frames = np.asarray(durations if durations is not None else (), np.float64)
        if hop is None or len(frames) != len(volumes) or (frames != np.rint(frames)).any():
            raise NetworkError(
                "Gain: 'volumes' differ from token to token, and to know where each is takes 'durations' of as many tokens, in whole "
                "frames, and the samples a frame; put a Pace behind what makes the durations, and give hop_length where there is no addon"
            )
        factors = 10.0 ** (volumes / 20.0)
        starts = np.concatenate([[0], np.cumsum(frames)[:-1]]) * hop
        ramps = np.minimum(self._ramp, frames * hop)
        changes = np.flatnonzero(np.diff(factors)) + 1
        places = np.stack([starts[changes], starts[changes] + ramps[changes]], 1).ravel()
        values = np.stack([factors[changes - 1], factors[changes]], 1).ravel()
        return (places, values) if len(changes) else (np.zeros(1), factors[:1])
