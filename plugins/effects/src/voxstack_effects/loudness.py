"""The block ``Loudness``, which brings a stream to a target loudness."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from voxstack import Frames, Resources, StreamableBlock, Utterance, windows
from voxstack_effects.k_weighting import STEPS, LoudnessMeter, gated_loudness
from voxstack_effects.samples import RATE_LIMITS, known_rate, sample_chunks


@dataclass
class Loudness(StreamableBlock):
    """Brings samples, (samples,) float32, to a loudness in LUFS, as ITU-R BS.1770-4 measures one channel.

    Every 100 ms the integrated loudness (blocks of 400 ms, gates at -70 LUFS and -10 LU) of the last ``window_s``
    seconds and of those that are read ahead decides on the gain; between these points the gain in dB follows a line.
    So a stream that is shorter than the lookahead gets one gain, and is exact; a longer one is brought to the target
    from its first sound on, without pumping. Before a sound, silence keeps its gain of 0 dB. Put ``Limiter`` after it:
    a target above the loudness of the speech raises its peaks, too.

    :param lufs: the target; -16 is usual for podcasts, -23 for broadcasting.
    :param lookahead_ms: milliseconds that are read ahead, in steps of 100; a step more is the lookahead.
    :param window_s: seconds of the past that count.
    :param max_gain_db: highest gain, dB, so that soft noise is not made loud.
    :param sample_rate: sample rate, Hz; by default the addon's.
    """

    lufs: float = field(default=-16.0, metadata={"minimum": -70, "maximum": 0})
    lookahead_ms: float = field(default=1000.0, metadata={"minimum": 400, "maximum": 60_000})
    window_s: float = field(default=30.0, metadata={"minimum": 1, "maximum": 600})
    max_gain_db: float = field(default=20.0, metadata={"minimum": 0, "maximum": 60})
    sample_rate: int | None = field(default=None, metadata=RATE_LIMITS)
    _rate: int | None = field(default=None, init=False, repr=False, compare=False)

    takes = "samples"
    makes = "samples"

    @property
    def lookahead(self) -> int:
        rate = known_rate(self._rate or self.sample_rate, "Loudness")
        return (1 + self._steps_ahead) * LoudnessMeter(rate).step

    def load(self, addon: Resources) -> None:
        self._rate = self.sample_rate or addon.config["sample_rate"]

    def stream(self, source: Frames, utterance: Utterance) -> Frames:
        meter = LoudnessMeter(known_rate(self._rate or self.sample_rate, "Loudness"))
        gains = _Gains(self, meter)
        scanned, ahead = 0, self.lookahead
        for samples, _, size, start in windows(sample_chunks(source, "Loudness"), 0, ahead):
            meter.read(samples[scanned - start :])
            scanned = start + len(samples)
            with np.errstate(over="ignore", invalid="ignore"):
                changed = (samples[:size] * gains.between(start, start + size)).astype(np.float32)
            yield changed

    @property
    def _steps_ahead(self) -> int:
        return max(STEPS, round(self.lookahead_ms / 100))


class _Gains:
    """The gain of each sample of one stream, as far as the meter has read it.

    :param block: its settings.
    """

    def __init__(self, block: Loudness, meter: LoudnessMeter) -> None:
        self._block, self._meter = block, meter
        self._back = round(10 * block.window_s)
        self._step, self._factors = -1, np.ones(0)
        self._next_db = 0.0
        self._slope = np.arange(meter.step) / meter.step

    def between(self, start: int, stop: int) -> np.ndarray:
        """Return the factors, float64, of the samples from ``start`` to before ``stop``; later calls go on there."""
        return np.concatenate(list(self._parts(start, stop)))

    def _parts(self, start: int, stop: int) -> Iterator[np.ndarray]:
        length = self._meter.step
        for step in range(start // length, (stop - 1) // length + 1):
            if step > self._step:
                before = self._next_db if step else self._gain(0, 0.0)
                self._next_db = self._gain(step + 1, before)
                # All factors of a step at once: a power may be rounded by its place in an array.
                self._factors = 10 ** ((before + (self._next_db - before) * self._slope) / 20)
                self._step = step
            yield self._factors[max(start - step * length, 0) : stop - step * length]

    def _gain(self, step: int, before: float) -> float:
        """Return the gain at the beginning of a step, dB.

        :param before: the gain that stays if all is silent.
        """
        last = step + self._block._steps_ahead - STEPS + 1
        energies = self._meter.blocks(last - self._back - self._block._steps_ahead, last)
        if not len(energies) and self._meter.complete < STEPS:
            energies = self._meter.whole()
        loudness = gated_loudness(energies)
        return before if loudness is None else min(self._block.lufs - loudness, self._block.max_gain_db)
