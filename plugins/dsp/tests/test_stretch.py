"""TimeStretch and PitchShift: the contract, and the measured duration, pitch and timbre of a synthetic vowel."""

from __future__ import annotations

import numpy as np
import pytest
from tiny import addon, loaded

import voxstack
from voxstack.streaming.timeline import Timeline
from voxstack.testing import Case, parametrize_with_checks
from voxstack_dsp.interpolation import Interpolator
from voxstack_dsp.pitch_shift import PitchShift
from voxstack_dsp.time_stretch import TimeStretch

RATE = 16_000
FORMANTS = [(700, 110), (1200, 120), (2600, 160)]  # Hz, bandwidths in Hz: an "a"


def vowel(pitch: float, seconds: float = 2.0, rate: int = RATE) -> np.ndarray:
    """Return a vowel of constant pitch in Hz: harmonics under three resonances."""
    times = np.arange(round(seconds * rate)) / rate
    frequencies = np.arange(pitch, rate / 2, pitch)
    levels = sum(1 / (1 + ((frequencies - middle) / width) ** 2) for middle, width in FORMANTS)
    waves = np.cos(2 * np.pi * frequencies[:, None] * times)
    samples = (levels[:, None] * waves).sum(0)
    return (0.3 * samples / np.abs(samples).max()).astype(np.float32)


def pitch_of(samples: np.ndarray, rate: int = RATE) -> float:
    """Return the fundamental in Hz, by the autocorrelation of the middle, between 50 and 500 Hz."""
    middle = samples[len(samples) // 4 : -len(samples) // 4].astype(np.float64)
    power = np.abs(np.fft.rfft(middle, 2 * len(middle))) ** 2
    finer = 8 * rate
    similar = np.fft.irfft(power, 16 * len(middle))[: finer // 50]  # at eight times as many lags
    at = similar[1:-1]
    peaks = 1 + np.flatnonzero((at >= similar[:-2]) & (at > similar[2:]) & (at > 0.95 * similar[finer // 500 :].max()))
    return float(finer / peaks[peaks >= finer // 500][0])  # the shortest of similar lags: two periods are no period


def run(block: voxstack.StreamableBlock, samples: np.ndarray, parts: int = 11) -> np.ndarray:
    return np.concatenate(list(block.stream(iter(np.array_split(samples, parts)), {})))


NOISE = np.random.default_rng(2).standard_normal(1500).astype(np.float32)


@parametrize_with_checks(
    [
        Case(TimeStretch(1.25, 1000), source=NOISE),
        Case(TimeStretch(0.6, 1000), source=NOISE),
        Case(TimeStretch(3.3, 1000), source=NOISE),
        Case(TimeStretch(1, 1000), source=NOISE),
        Case(loaded(TimeStretch(0.25), addon()), source=vowel(120, 0.5, 8000)),
        Case(PitchShift(3, sample_rate=1000), source=NOISE),
        Case(PitchShift(-7.5, "shift", 1000), source=NOISE),
        Case(PitchShift(0, sample_rate=1000), source=NOISE),
        Case(loaded(PitchShift(-12), addon()), source=vowel(120, 0.5, 8000)),
    ]
)
def test_contract(case, check):
    check(case)


@pytest.mark.parametrize("pitch", [85.0, 120.0, 210.0])
@pytest.mark.parametrize("rate", [0.5, 0.8, 1.3, 2.0])
def test_stretching_changes_the_duration_and_keeps_pitch_and_timbre(pitch, rate):
    samples = vowel(pitch)
    made = run(TimeStretch(rate, RATE), samples)
    assert len(made) == round(len(samples) / rate)
    assert pitch_of(made) == pytest.approx(pitch, rel=0.004)
    np.testing.assert_allclose(envelope(made), envelope(samples), atol=1.5)


@pytest.mark.parametrize("formants", ["keep", "shift"])
@pytest.mark.parametrize("semitones", [-5.0, -2.0, 1.0, 4.0, 12.0])
def test_shifting_changes_the_pitch_and_keeps_the_duration(semitones, formants):
    samples = vowel(120.0)
    made = run(PitchShift(semitones, formants, RATE), samples)
    assert len(made) == len(samples)
    assert pitch_of(made) == pytest.approx(120 * 2 ** (semitones / 12), rel=0.004)
    assert np.sqrt(np.mean(made**2)) == pytest.approx(np.sqrt(np.mean(samples**2)), rel=0.25)


@pytest.mark.parametrize("semitones", [-4.0, 3.0, 7.0])
def test_formants_stay_or_move_with_the_pitch(semitones):
    """Seen in the mean frequency of the power."""
    samples = vowel(120.0)
    kept, moved = (run(PitchShift(semitones, formants, RATE), samples) for formants in ("keep", "shift"))
    assert centroid(kept) == pytest.approx(centroid(samples), rel=0.12)
    assert centroid(moved) == pytest.approx(centroid(samples) * 2 ** (semitones / 12), rel=0.06)


def centroid(samples: np.ndarray) -> float:
    """Return the mean frequency of the power of samples, Hz."""
    power = np.abs(np.fft.rfft(samples[RATE // 4 : -RATE // 4].astype(np.float64))) ** 2
    return float(np.average(np.linspace(0, RATE / 2, len(power)), weights=power))


def envelope(samples: np.ndarray) -> np.ndarray:
    """Return the levels in dB of octave bands from 250 to 4000 Hz."""
    power = np.abs(np.fft.rfft(samples[RATE // 4 : -RATE // 4].astype(np.float64))) ** 2
    frequencies = np.linspace(0, RATE / 2, len(power))
    bands = [power[(frequencies >= low) & (frequencies < 2 * low)].sum() for low in (250, 500, 1000, 2000)]
    return 10 * np.log10(np.array(bands) / sum(bands))


@pytest.mark.parametrize("rate", [0.5, 1.7])
def test_sounds_stay_in_their_places(rate):
    """Bursts are found within 10 ms of where they belong."""
    samples = np.zeros(3 * RATE, np.float32)
    places = [8000, 20_000, 37_000]
    for place in places:
        samples[place : place + 400] = NOISE[:400] * 0.3
    made = run(TimeStretch(rate, RATE), samples)
    for place in places:
        expected = (place + 200) / rate
        near = made[int(expected) - 1600 : int(expected) + 1600].astype(np.float64) ** 2
        assert abs(np.average(np.arange(len(near)), weights=near) - 1600) <= 0.012 * RATE


def test_events_move_with_the_sound():
    stack = voxstack.StreamableStack([Words(), TimeStretch(2.0, RATE)])
    timeline = Timeline(RATE)
    made = np.concatenate(list(stack.stream(iter(()), {"timeline": timeline})))
    (event,) = timeline.take(9)
    assert (event.start, event.duration, len(made)) == (0.25, 0.05, RATE // 2)


class Words(voxstack.StreamableBlock):
    """A second of noise with a word in its middle."""

    head = True

    def stream(self, source, utterance):
        utterance["timeline"].add("word", "a", RATE // 2, RATE // 10)
        yield np.resize(NOISE, RATE)


def test_silence_and_joins_of_equal_sound_stay_as_they_are():
    assert not run(TimeStretch(1.4, RATE), np.zeros(RATE, np.float32)).any()
    np.testing.assert_allclose(run(TimeStretch(1.4, RATE), np.full(RATE, 0.5, np.float32))[800:-800], 0.5)


@pytest.mark.parametrize("ratio", [0.6, 1.0, 1.5])
def test_interpolation_is_good_to_85_db(ratio):
    times = np.arange(20_000)
    made = Interpolator(ratio).read(np.sin(0.3 * times))
    expected = np.sin(0.3 * ratio * np.arange(len(made)))
    assert np.abs(made - expected)[200:].max() < 10 ** (-85 / 20)


def test_interpolation_lets_no_aliases_in():
    assert np.abs(Interpolator(1.5).read(np.sin(0.85 * np.pi * np.arange(20_000)))[200:]).max() < 1e-3


@pytest.mark.parametrize("block", [TimeStretch(1.5), PitchShift(2)], ids=lambda block: type(block).__name__)
def test_without_a_sample_rate_they_say_what_to_do(block):
    with pytest.raises(voxstack.PluginError, match=r"has no sample rate: set its field sample_rate, or call load"):
        list(block.stream(iter([NOISE]), {}))
