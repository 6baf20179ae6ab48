from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from tiny import addon, loaded

from voxstack import Frames, StackError, StreamableBlock, Utterance
from voxstack_dsp.gain import Gain
from voxstack_dsp.normalize_peak import NormalizePeak

SAMPLES = (np.random.default_rng(3).standard_normal(5000) * 0.05).astype(np.float32)


@dataclass
class Source(StreamableBlock):
    """Yields samples in chunks of one size."""

    size: int = 700
    factor: float = 1.0

    head = True
    makes = "samples"

    def stream(self, source: Frames, utterance: Utterance) -> Frames:
        samples = SAMPLES * np.float32(self.factor)
        for start in range(0, len(samples), self.size):
            chunk = samples[start : start + self.size]
            chunk.flags.writeable = False
            yield chunk


def run(block: NormalizePeak) -> np.ndarray:
    return np.concatenate(list(loaded(block, addon()).stream(iter(()), {})))


@pytest.mark.parametrize("size", [1, 700, 9000])
@pytest.mark.parametrize("factor", [1.0, 0.001, 30.0])
def test_the_highest_sample_is_the_peak(size, factor):
    output = run(NormalizePeak(Source(size, factor), peak=0.5))
    np.testing.assert_allclose(output, SAMPLES * np.float32(0.5 / np.abs(SAMPLES).max()), rtol=1e-5, atol=1e-9)
    assert np.abs(output).max() == pytest.approx(0.5, rel=1e-6)


def test_silence_stays_silent():
    assert not run(NormalizePeak(Source(factor=0.0))).any()
    np.testing.assert_array_equal(run(NormalizePeak(Source(factor=1e-9))), SAMPLES * np.float32(1e-9))


def test_only_so_much_is_kept():
    output = run(NormalizePeak(Source(size=100), longest_s=1000 / 8000))
    factor = 1 / np.abs(SAMPLES[:1000]).max()
    np.testing.assert_allclose(output, np.clip(SAMPLES * factor, -1, 1), rtol=1e-5)


def test_it_stands_around_the_head_of_a_stream():
    with pytest.raises(StackError, match="from the head of the stream on"):
        loaded(NormalizePeak(Gain()), addon())
