"""The block ``NormalizePeak``, which scales a whole stream to a peak."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from voxstack import Frames, Resources, StackError, StreamableBlock, StreamableWrapper, Utterance
from voxstack.streaming.closing import close
from voxstack_dsp.checks import sample_chunks

_SILENT = 1e-8
"""Peak below which a stream is silence, and stays as it is."""


@dataclass
class NormalizePeak(StreamableWrapper):
    """Scales the samples of its child so that their highest absolute value is ``peak``.

    The factor is known at the end, so the stream is computed as a whole before its first sample is yielded: put the
    block around the stream of one sentence, inside ``Sentences``. Each sentence then gets a factor of its own, as
    Piper's own software scales them. For a volume that does not wait, use ``Gain`` and ``Limiter``.

    Of a stream longer than ``longest_s``, that much is scaled, and the rest gets the same factor and is clipped.

    :param block: makes samples, (samples,) float32, and begins the stream.
    :param peak: highest absolute value of the result; 1 is full scale.
    :param longest_s: seconds of audio that are kept in memory at most.
    """

    block: StreamableBlock
    peak: float = field(default=1.0, metadata={"exclusiveMinimum": 0, "maximum": 1})
    longest_s: float = field(default=600.0, metadata={"exclusiveMinimum": 0, "maximum": 86_400})
    _limit: int = field(default=0, init=False, repr=False, compare=False)

    makes = "samples"

    @property
    def inner(self) -> StreamableBlock:
        return self.block

    def load(self, addon: Resources) -> None:
        self._limit = max(1, round(self.longest_s * addon.config["sample_rate"]))
        if not self.block.head:
            problem = (
                "its block begins no stream; put it around all blocks of a sentence, from the head of the stream on"
            )
            raise StackError(self.stack_path or "NormalizePeak", problem)

    def stream(self, source: Frames, utterance: Utterance) -> Frames:
        chunks = self.block.stream(source, utterance)
        samples = sample_chunks(chunks, "NormalizePeak")
        try:
            kept: list[np.ndarray] = []
            left = self._limit
            for chunk in samples:
                kept.append(chunk)
                left -= len(chunk)
                if left <= 0:
                    break
            highest = max((float(np.abs(chunk).max()) for chunk in kept if len(chunk)), default=0.0)
            factor = np.float32(self.peak / highest if highest > _SILENT else 1.0)
            peak = np.float32(self.peak)
            while kept:
                yield kept.pop(0) * factor
            for chunk in samples:
                yield np.clip(chunk * factor, -peak, peak)
        finally:
            close(chunks)
