"""The block ``Telephone``, which makes speech sound as over a telephone line."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from voxstack import Frames, Resources, StreamableBlock, Utterance
from voxstack_effects.g711 import Law, companded
from voxstack_effects.iir_filter import FilterRun
from voxstack_effects.passes import butterworth
from voxstack_effects.samples import RATE_LIMITS, known_rate, sample_chunks

RATE = 8000
"""Sample rate of the network, Hz."""
BAND = [300.0, 3400.0]
"""Hz."""
_ORDER = 4


@dataclass
class Telephone(StreamableBlock):
    """Gives samples, (samples,) float32, the sound of a telephone: 300 to 3400 Hz, G.711 in 8 bits at 8 kHz.

    Resampled to 8 kHz by libsoxr, filtered by a Butterworth filter of order 4, companded as ITU-T G.711 does, and,
    unless ``output`` is ``network``, resampled back, so that the stream keeps its sample rate and length. ``lookahead``
    is the longest wait for any sample, measured by feeding silence.

    :param law: mu-law of North America and Japan, A-law of the rest of the world, or ``none``: no companding.
    :param output: ``same`` for the sample rate of the source, ``network`` for 8 kHz.
    :param sample_rate: sample rate of the source, Hz, 8000 or more; by default the addon's.
    """

    law: Literal["mu-law", "A-law", "none"] = "mu-law"
    output: Literal["same", "network"] = "same"
    sample_rate: int | None = field(default=None, metadata={**RATE_LIMITS, "minimum": RATE})
    _rate: int | None = field(default=None, init=False, repr=False, compare=False)

    takes = "samples"
    makes = "samples"

    @property
    def hop(self) -> float:
        return RATE / self._known_rate if self.output == "network" else 1.0

    @property
    def output_rate(self) -> int | None:
        return RATE if self.output == "network" else None

    @property
    def lookahead(self) -> int:
        return _longest_wait(self._known_rate, self.output == "same")

    def load(self, addon: Resources) -> None:
        self._rate = self.sample_rate or addon.config["sample_rate"]
        _ = self.lookahead  # measured now instead of in the first request

    def stream(self, source: Frames, utterance: Utterance) -> Frames:
        law = None if self.law == "none" else self.law
        line = _Line(self._known_rate, law, self.output == "same")
        for chunk in sample_chunks(source, "Telephone"):
            yield from line.carry(chunk)
        yield from line.rest()

    @property
    def _known_rate(self) -> int:
        return known_rate(self._rate or self.sample_rate, "Telephone")


class _Line:
    """One call: samples go in, and come out later.

    :param rate: sample rate of the source, Hz.
    :param law: None for no companding.
    :param back: whether the samples are resampled back.
    """

    def __init__(self, rate: int, law: Law | None, back: bool) -> None:
        self._down = _resampler(rate, RATE)
        self._up = _resampler(RATE, rate) if back else _passed
        self._filter, self._law = FilterRun(butterworth(_ORDER, BAND, "bandpass", RATE)), law
        self._hop = 1.0 if back else RATE / rate
        self._read = self._written = 0

    def carry(self, samples: np.ndarray, last: bool = False) -> Iterator[np.ndarray]:
        """Yield what comes out after the next samples, if there is anything."""
        self._read += len(samples)
        narrow = self._down(np.ascontiguousarray(samples), last)
        with np.errstate(over="ignore", invalid="ignore"):
            narrow = self._filter(narrow).astype(np.float32)
            narrow = companded(narrow, self._law) if self._law else narrow
        made = self._up(narrow, last)
        if last:  # two resamplers may round the length in two ways
            due = round(self._read * self._hop) - self._written
            made = np.concatenate([made, np.zeros(max(0, due - len(made)), np.float32)])[:due]
        self._written += len(made)
        if len(made):
            yield made

    def rest(self) -> Iterator[np.ndarray]:
        """Yield what comes out after the last sample."""
        return self.carry(np.zeros(0, np.float32), last=True)


def _resampler(source_rate: int, target_rate: int) -> Callable[[np.ndarray, bool], np.ndarray]:
    """Return a function of a chunk, and whether it is the last, that returns it resampled."""
    if source_rate == target_rate:
        return _passed
    import soxr

    stream: Any = soxr.ResampleStream(source_rate, target_rate, 1, "float32", "HQ")
    return lambda chunk, last: stream.resample_chunk(chunk, last=last)


def _passed(chunk: np.ndarray, last: bool) -> np.ndarray:
    return chunk


@functools.cache
def _longest_wait(rate: int, back: bool) -> int:
    """Return the most samples after the position of a sample of the output that are read before it comes out."""
    line, silence = _Line(rate, None, back), np.zeros(1, np.float32)
    hop = 1.0 if back else RATE / rate
    fed = made = wait = first = 0
    while not first or fed < max(4000, 3 * first):
        fed += 1
        count = sum(len(chunk) for chunk in line.carry(silence))
        if count:
            first = first or fed
            wait = max(wait, fed - 1 - int(made / hop))
        made += count
    return wait
