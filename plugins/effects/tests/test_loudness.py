"""Loudness, against the coefficients of BS.1770 and against pyloudnorm."""

from __future__ import annotations

import numpy as np
import pyloudnorm
import pytest

from voxstack_effects.k_weighting import LoudnessMeter, gated_loudness, k_weighting
from voxstack_effects.loudness import Loudness

RATE = 16_000
RANDOM = np.random.default_rng(3)


def speech_like(seconds: int) -> np.ndarray:
    """Return noise whose level changes every quarter of a second, with silences."""
    levels = RANDOM.choice([0.0, 0.01, 0.05, 0.1], seconds * 4)
    return (RANDOM.standard_normal(seconds * RATE) * np.repeat(levels, RATE // 4)).astype(np.float32)


def run(block: Loudness, samples: np.ndarray) -> np.ndarray:
    return np.concatenate(list(block.stream(iter(np.array_split(samples, 23)), {})))


def measured(samples: np.ndarray) -> float:
    """Return the integrated loudness in LUFS that pyloudnorm measures."""
    meter = pyloudnorm.Meter(RATE, filter_class="DeMan")
    return float(meter.integrated_loudness(samples.astype(np.float64)))


def test_the_weighting_at_48_khz_is_that_of_the_standard():
    """Tables 1 and 2 of ITU-R BS.1770-4."""
    shelf = [1.53512485958697, -2.69169618940638, 1.19839281085285, 1, -1.69065929318241, 0.73248077421585]
    low_cut = [1, -2, 1, 1, -1.99004745483398, 0.99007225036621]
    np.testing.assert_allclose(k_weighting(48_000), [shelf, low_cut], atol=1e-10)


def test_a_sine_of_997_hz_at_full_scale_has_minus_3_lufs():
    meter = LoudnessMeter(48_000)
    meter.read(np.sin(2 * np.pi * 997 * np.arange(10 * 48_000) / 48_000).astype(np.float32))
    assert gated_loudness(meter.blocks(0, 97)) == pytest.approx(-3.01, abs=0.01)


@pytest.mark.parametrize("seconds", [1, 7, 20])
def test_the_meter_agrees_with_pyloudnorm(seconds):
    samples = speech_like(seconds)
    meter = LoudnessMeter(RATE)
    for part in np.array_split(samples, 31):
        meter.read(part)
    assert gated_loudness(meter.blocks(0, 10**6)) == pytest.approx(measured(samples), abs=0.02)


@pytest.mark.parametrize("lufs", [-16.0, -23.0, -35.0])
def test_what_is_shorter_than_the_lookahead_is_brought_to_the_target_exactly(lufs):
    samples = speech_like(5)
    made = run(Loudness(lufs, 6000, sample_rate=RATE, max_gain_db=60), samples)
    assert measured(made) == pytest.approx(lufs, abs=0.02)
    gains = made[samples != 0] / samples[samples != 0]
    assert gains.max() - gains.min() < 1e-5 * gains.max()


@pytest.mark.parametrize("lookahead_ms", [400, 1000])
def test_a_long_stream_is_brought_near_to_the_target(lookahead_ms):
    made = run(Loudness(-20, lookahead_ms, sample_rate=RATE), speech_like(40))
    assert measured(made) == pytest.approx(-20, abs=0.7)


def test_a_speaker_who_becomes_louder_is_followed():
    samples = speech_like(60)
    samples[30 * RATE :] *= 4
    made = run(Loudness(-20, window_s=10, sample_rate=RATE), samples)
    assert measured(made[15 * RATE : 30 * RATE]) == pytest.approx(-20, abs=1)
    assert measured(made[45 * RATE :]) == pytest.approx(-20, abs=1)


def test_the_gain_changes_smoothly():
    samples = np.full(20 * RATE, 0.1, np.float32) * np.sign(np.sin(np.arange(1, 20 * RATE + 1))).astype(np.float32)
    samples[10 * RATE :] *= 0.1
    gain = run(Loudness(-20, window_s=2, sample_rate=RATE, max_gain_db=60), samples) / samples
    decibels = 20 * np.log10(gain.astype(np.float64))
    assert np.ptp(decibels) > 15
    assert np.abs(np.diff(decibels)).max() < 20 / (RATE / 10)


def test_silence_and_noise_are_not_made_loud():
    silence = np.full(5 * RATE, 1e-5, np.float32)
    np.testing.assert_array_equal(run(Loudness(sample_rate=RATE), silence), silence)
    noise = (RANDOM.standard_normal(5 * RATE) * 1e-3).astype(np.float32)
    np.testing.assert_allclose(run(Loudness(sample_rate=RATE, max_gain_db=20), noise), 10 * noise, rtol=1e-5)


@pytest.mark.parametrize("length", [1, 100, 3000, 6000])
def test_a_stream_of_less_than_a_block_counts_as_a_whole(length):
    samples = (RANDOM.standard_normal(length) * 0.05).astype(np.float32)
    made = run(Loudness(-20, sample_rate=RATE, max_gain_db=60), samples)
    meter = LoudnessMeter(RATE)
    meter.read(made)
    assert gated_loudness(meter.whole()) == pytest.approx(-20, abs=0.01)


def test_what_the_meter_keeps_is_bounded():
    meter = LoudnessMeter(1000)
    for second in range(600):
        meter.read(np.ones(1000, np.float32))
        meter.blocks(10 * second - 50, 10 * second + 7)
    assert len(meter._means) < 70
