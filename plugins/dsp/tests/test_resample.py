from __future__ import annotations

import math

import numpy as np
import pytest

import voxstack
from voxstack.testing import Case
from voxstack_dsp.resample import Resample, longest_wait

soxr = pytest.importorskip("soxr")

RATES = [(16000, 22050), (16000, 48000), (22050, 16000), (48000, 16000), (44100, 48000), (16000, 8000), (16000, 96000)]
X = (np.random.default_rng(0).standard_normal(30000) * 0.3).astype(np.float32)


@pytest.mark.parametrize("rates", RATES)
@pytest.mark.parametrize("quality", ["QQ", "LQ", "MQ", "HQ", "VHQ"])
def test_equals_one_shot_resampling_bit_for_bit(rates, quality):
    for total in (1, 2, 3, 700, len(X)):
        expected = soxr.resample(X[:total], *rates, quality=quality)
        assert abs(len(expected) - total * rates[1] / rates[0]) <= 0.5
        for sizes in ([1, 2, 999], [64], [5000, 333], [total]):
            output = Case(Resample(*rates, quality), source=X).run(sizes, total)
            np.testing.assert_array_equal(output, expected)


def test_keeps_a_tone_in_place():
    seconds = np.arange(16000) / 16000
    output = Case(Resample(16000, 48000), source=np.sin(2 * np.pi * 440 * seconds).astype(np.float32)).run([800])
    expected = np.sin(2 * np.pi * 440 * np.arange(48000) / 48000)
    np.testing.assert_allclose(output[500:-500], expected[500:-500], atol=1e-4)


@pytest.mark.parametrize("rates", RATES)
@pytest.mark.parametrize("quality", ["LQ", "HQ", "VHQ"])
def test_no_sample_waits_longer_than_the_lookahead(rates, quality):
    """The measurement over the first blocks holds much later; and some sample does wait that long."""
    source, target = rates
    wait = longest_wait(source, target, quality)
    resampler, yielded, longest = soxr.ResampleStream(source, target, 1, "float32", quality), 0, 0
    for fed in range(16, 16 * 5000, 16):
        yielded += len(resampler.resample_chunk(np.zeros(16, np.float32)))
        longest = max(longest, fed - 1 - math.floor(yielded * source / target))
    assert longest <= wait + max(1, source // target) + wait // 10
    assert longest >= wait - 16 - max(1, source // target)


def test_the_same_rate_costs_nothing():
    block = Resample(16000, 16000)
    assert block.lookahead == 0
    (output,) = block.stream(iter([X]), {})
    assert output is X


@pytest.mark.parametrize("target_rate", [100, 1_000_000])
def test_rates_that_are_far_apart_are_refused(target_rate):
    """Libsoxr holds back a time in proportion to the ratio, and finding out takes as long."""
    with pytest.raises(voxstack.StackError, match=r"target_rate: .* is more than 64 times, or less than 1/64, of the"):
        Resample(8000, target_rate).load(None)
