"""The block ``PitchShift``, which shifts the pitch of speech."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from voxstack import Frames, PluginError, Resources, StreamableBlock, Utterance
from voxstack_dsp.checks import sample_chunks
from voxstack_dsp.formants import FormantKeeper
from voxstack_dsp.interpolation import Interpolator
from voxstack_dsp.overlap import Stretcher


@dataclass
class PitchShift(StreamableBlock):
    """Shifts the pitch of samples of speech, (samples,) float32, and keeps their times.

    The speech is stretched (as by ``TimeStretch``), then read faster or slower by interpolation, which shifts the
    formants as well; then its spectral envelopes become those of the source again, so that it stays the same speaker.
    At 0 semitones, samples pass bit for bit. For a voice that predicts pitch, ``Prosody`` sounds better.

    :param semitones: upwards; 12 is an octave.
    :param formants: ``keep``, or ``shift`` for a speaker with a longer or shorter vocal tract.
    :param sample_rate: sample rate, Hz; by default the addon's.
    """

    semitones: float = field(metadata={"minimum": -24, "maximum": 24})
    formants: Literal["keep", "shift"] = "keep"
    sample_rate: int | None = field(default=None, metadata={"minimum": 1, "maximum": 384_000})
    _rate: int | None = field(default=None, init=False, repr=False, compare=False)

    takes = "samples"
    makes = "samples"

    @property
    def lookahead(self) -> int:
        if self.semitones == 0:
            return 0
        rate = self._known_rate
        stretcher, interpolator = self._parts(rate)
        # Stretched samples come a frame at a time, each as soon as the input of its first one is there.
        reach: int = math.ceil((interpolator.reach + 1) / self._ratio)
        return stretcher.lookahead + reach + (FormantKeeper(rate).size if self.formants == "keep" else 0)

    def load(self, addon: Resources) -> None:
        self._rate = self.sample_rate or addon.config["sample_rate"]

    def stream(self, source: Frames, utterance: Utterance) -> Frames:
        chunks = sample_chunks(source, "PitchShift")
        if self.semitones == 0:
            yield from chunks
            return
        keeper = FormantKeeper(self._known_rate) if self.formants == "keep" else None
        total = made = 0
        for source_samples, shifted in self._shifted(chunks):
            total += len(source_samples)
            samples = shifted if keeper is None else keeper.read(source_samples, shifted)
            made += len(samples)
            if len(samples):
                yield samples.astype(np.float32)
        if keeper is not None and made < total:
            silence = np.zeros(2 * keeper.size)
            yield keeper.read(silence, silence)[: total - made].astype(np.float32)

    def _shifted(self, chunks: Frames) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield each chunk of a stream, and the shifted samples, float64, that it completes; at the end, the rest."""
        stretcher, interpolator = self._parts(self._known_rate)
        total = 0
        for chunk in chunks:
            total += len(chunk)
            yield chunk, interpolator.read(np.concatenate([np.zeros(0), *stretcher.read(chunk)]))
        silence = np.zeros(2 * interpolator.reach + math.ceil(self._ratio))
        yield np.zeros(0, np.float32), interpolator.read(np.concatenate([*stretcher.rest(), silence]), total)

    @property
    def _ratio(self) -> float:
        ratio: float = 2 ** (self.semitones / 12)
        return ratio

    @property
    def _known_rate(self) -> int:
        rate = self._rate or self.sample_rate
        if rate is None:
            raise PluginError(
                "PitchShift has no sample rate: set its field sample_rate, or call load(addon) before it runs"
            )
        return rate

    def _parts(self, rate: int) -> tuple[Stretcher, Interpolator]:
        return Stretcher(1 / self._ratio, rate), Interpolator(self._ratio)
