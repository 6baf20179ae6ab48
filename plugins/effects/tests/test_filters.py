"""Filters: their measured responses against scipy's designs, and streams against whole calls."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import signal
from tiny import addon, loaded

import voxstack
from voxstack_effects.equalizer import HighShelf, LowShelf, Notch, PeakFilter
from voxstack_effects.iir_filter import IIRFilter
from voxstack_effects.passes import BandPass, HighPass, LowPass

RATE = 16_000


def response(block: IIRFilter, frequencies: list[float]) -> np.ndarray:
    """Return the gain in dB at each frequency, measured by its impulse response."""
    impulse = np.zeros(1 << 16, np.float32)
    impulse[0] = 1
    made = np.concatenate(list(block.stream(iter(np.array_split(impulse, 7)), {})))
    spectrum = np.abs(np.fft.rfft(made.astype(np.float64)))
    bins = np.rint(np.array(frequencies) * len(impulse) / RATE).astype(int)
    return 20 * np.log10(np.maximum(spectrum[bins], 1e-9))


PROBED = [50.0, 100.0, 300.0, 1000.0, 2000.0, 3400.0, 5000.0, 7000.0]


@pytest.mark.parametrize(
    ("block", "sections"),
    [
        (LowPass(1000, 3, sample_rate=RATE), signal.butter(3, 1000, "low", output="sos", fs=RATE)),
        (HighPass(80, 4, sample_rate=RATE), signal.butter(4, 80, "high", output="sos", fs=RATE)),
        (BandPass(300, 3400, 4, sample_rate=RATE), signal.butter(4, [300, 3400], "band", output="sos", fs=RATE)),
        (Notch(1000, 5, sample_rate=RATE), signal.tf2sos(*signal.iirnotch(1000, 5, RATE))),
    ],
    ids=lambda value: type(value).__name__,
)
def test_responses_are_those_of_scipy(block, sections):
    _, expected = signal.sosfreqz(sections, np.array(PROBED), fs=RATE)
    levels = 20 * np.log10(np.abs(expected) + 1e-12)
    np.testing.assert_allclose(np.maximum(response(block, PROBED), -90), np.maximum(levels, -90), atol=0.05)


def test_a_low_pass_is_at_minus_3_db_at_its_frequency_and_falls_by_its_order():
    low, octave = response(LowPass(500, 2, sample_rate=RATE), [500, 1000])
    assert low == pytest.approx(-3.01, abs=0.01)
    assert octave == pytest.approx(-12.3, abs=0.5)


def test_a_peak_has_its_gain_at_its_frequency_and_half_at_the_ends_of_its_band():
    block = PeakFilter(1000, 12, q=2, sample_rate=RATE)
    ends = [1000 * (np.sqrt(1 + 1 / 16) + side / 4) for side in (-1, 1)]
    middle, lower, upper, far = response(block, [1000, *ends, 30])
    assert middle == pytest.approx(12, abs=0.01)
    assert [lower, upper] == pytest.approx([6, 6], abs=0.3)  # the bilinear transform narrows the band a little
    assert far == pytest.approx(0, abs=0.05)


@pytest.mark.parametrize("gain_db", [6.0, -9.0])
def test_shelves_have_their_gain_on_one_side_and_half_at_their_frequency(gain_db):
    for block, order in (
        (LowShelf(1000, gain_db, sample_rate=RATE), 1),
        (HighShelf(1000, gain_db, sample_rate=RATE), -1),
    ):
        low, middle, high = response(block, [20, 1000, 7900])[::order]
        assert low == pytest.approx(gain_db, abs=0.05)
        assert middle == pytest.approx(gain_db / 2, abs=0.05)
        assert high == pytest.approx(0, abs=0.05)


def test_a_notch_removes_its_frequency_and_nothing_else():
    seconds = np.arange(4 * RATE) / RATE
    hum, tone = np.sin(2 * np.pi * 50 * seconds), 0.3 * np.sin(2 * np.pi * 440 * seconds)
    (made,) = Notch(50, sample_rate=RATE).stream(iter([(hum + tone).astype(np.float32)]), {})
    np.testing.assert_allclose(made[-RATE:], tone[-RATE:], atol=0.02)


def test_a_stream_equals_one_call_of_scipy_bit_for_bit():
    noise = np.random.default_rng(0).standard_normal(50_000).astype(np.float32)
    block = BandPass(200, 3000, 5, sample_rate=RATE)
    made = np.concatenate(list(block.stream(iter(np.array_split(noise, 313)), {})))
    whole = signal.sosfilt(block.sections(RATE), noise.astype(np.float64)).astype(np.float32)
    np.testing.assert_array_equal(made, whole)


def test_the_sample_rate_is_the_addon_s_unless_a_field_sets_it():
    at_addon = loaded(LowPass(1000), addon(sample_rate=22_050))
    for block, rate in ((at_addon, 22_050), (loaded(LowPass(1000, sample_rate=48_000), addon()), 48_000)):
        (made,) = block.stream(iter([np.eye(1, 500, dtype=np.float32)[0]]), {})
        (expected,) = LowPass(1000, sample_rate=rate).stream(iter([np.eye(1, 500, dtype=np.float32)[0]]), {})
        np.testing.assert_array_equal(made, expected)
    with pytest.raises(voxstack.PluginError, match="LowPass has no sample rate: set its field sample_rate"):
        next(LowPass(1000).stream(iter([np.ones(5, np.float32)]), {}))


@pytest.mark.parametrize(
    ("block", "problem"),
    [
        (
            LowPass(4000),
            "frequency: 4000 Hz is not between 0 and half the sample rate of 8000 Hz; write a .* below 4000",
        ),
        (PeakFilter(5000, 3), "frequency: 5000 Hz is not"),
        (BandPass(300, 4100), "high: 4100 Hz is not"),
        (BandPass(3000, 300), "high: 300 Hz is not above low, 3000 Hz"),
    ],
    ids=str,
)
def test_frequencies_that_do_not_fit_are_errors_when_it_loads(block, problem):
    with pytest.raises(voxstack.StackError, match=problem):
        block.load(addon(sample_rate=8000))
