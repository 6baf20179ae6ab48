"""The block ``TimeStretch``, which changes the speed of speech."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from voxstack import Frames, PluginError, Resources, StreamableBlock, Utterance
from voxstack_dsp.checks import sample_chunks
from voxstack_dsp.overlap import Stretcher


@dataclass
class TimeStretch(StreamableBlock):
    """Changes the speed of samples of speech, (samples,) float32, and keeps their pitch and timbre, by WSOLA.

    Events move with the sound, as for every block with a ``hop``. Each sound is at most 10 ms from its exact place. At
    a rate of 1, samples pass bit for bit. For a voice that predicts durations, ``Pace`` changes the speed of the speech
    itself, which sounds better.

    :param rate: speed as a factor: 2 takes half as long.
    :param sample_rate: sample rate, Hz; by default the addon's.
    """

    rate: float = field(metadata={"minimum": 0.25, "maximum": 4})
    sample_rate: int | None = field(default=None, metadata={"minimum": 1, "maximum": 384_000})
    _rate: int | None = field(default=None, init=False, repr=False, compare=False)

    takes = "samples"
    makes = "samples"

    @property
    def hop(self) -> float:
        return 1 / self.rate

    @property
    def lookahead(self) -> int:
        return 0 if self.rate == 1 else self._stretcher().lookahead

    def load(self, addon: Resources) -> None:
        self._rate = self.sample_rate or addon.config["sample_rate"]

    def stream(self, source: Frames, utterance: Utterance) -> Frames:
        chunks = sample_chunks(source, "TimeStretch")
        yield from chunks if self.rate == 1 else stretched(chunks, self._stretcher())

    def _stretcher(self) -> Stretcher:
        rate = self._rate or self.sample_rate
        if rate is None:
            raise PluginError(
                "TimeStretch has no sample rate: set its field sample_rate, or call load(addon) before it runs"
            )
        return Stretcher(self.rate, rate)


def stretched(chunks: Frames, stretcher: Stretcher) -> Frames:
    """Yield the samples of a stream, stretched, float32."""
    for chunk in chunks:
        parts = list(stretcher.read(chunk))
        if parts:
            yield np.concatenate(parts).astype(np.float32)
    parts = list(stretcher.rest())
    if parts:
        yield np.concatenate(parts).astype(np.float32)
