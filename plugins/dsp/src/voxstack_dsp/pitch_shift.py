"""The block ``PitchShift``, which shifts the pitch of speech."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from voxstack import Frames, PluginError, Resources, StreamableBlock, Utterance
from voxstack_dsp.checks import sample_chunks
from voxstack_dsp.interpolation import Interpolator
from voxstack_dsp.overlap import Stretcher


@dataclass
class PitchShift(StreamableBlock):
    """Shifts the pitch of samples of speech, (samples,) float32, and keeps their times.

    The speech is stretched (as by ``TimeStretch``), then read faster or slower by interpolation, which shifts the
    formants as well: by more than some 3 semitones the speaker becomes another one. At 0 semitones, samples pass bit
    for bit. For a voice that predicts pitch, ``Prosody`` shifts the pitch alone.

    :param semitones: upwards; 12 is an octave.
    :param sample_rate: sample rate, Hz; by default the addon's.
    """

    semitones: float = field(metadata={"minimum": -24, "maximum": 24})
    sample_rate: int | None = field(default=None, metadata={"minimum": 1, "maximum": 384_000})
    _rate: int | None = field(default=None, init=False, repr=False, compare=False)

    takes = "samples"
    makes = "samples"

    @property
    def lookahead(self) -> int:
        if self.semitones == 0:
            return 0
        stretcher, interpolator = self._parts()
        # Stretched samples come a frame at a time, each as soon as the input of its first one is there.
        reach: int = math.ceil((interpolator.reach + 1) / self._ratio)
        return stretcher.lookahead + reach

    def load(self, addon: Resources) -> None:
        self._rate = self.sample_rate or addon.config["sample_rate"]

    def stream(self, source: Frames, utterance: Utterance) -> Frames:
        chunks = sample_chunks(source, "PitchShift")
        yield from chunks if self.semitones == 0 else self._shifted(chunks)

    def _shifted(self, chunks: Frames) -> Frames:
        stretcher, interpolator = self._parts()
        total = 0
        for chunk in chunks:
            total += len(chunk)
            made = interpolator.read(np.concatenate([np.zeros(0), *stretcher.read(chunk)]))
            if len(made):
                yield made.astype(np.float32)
        silence = np.zeros(2 * interpolator.reach + math.ceil(self._ratio))
        made = interpolator.read(np.concatenate([*stretcher.rest(), silence]), total)
        if len(made):
            yield made.astype(np.float32)

    @property
    def _ratio(self) -> float:
        ratio: float = 2 ** (self.semitones / 12)
        return ratio

    def _parts(self) -> tuple[Stretcher, Interpolator]:
        rate = self._rate or self.sample_rate
        if rate is None:
            raise PluginError(
                "PitchShift has no sample rate: set its field sample_rate, or call load(addon) before it runs"
            )
        return Stretcher(1 / self._ratio, rate), Interpolator(self._ratio)
