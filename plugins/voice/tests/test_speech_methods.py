"""Speech and chunks as objects: arrays, times, events, loudness, playback, short representations."""

from __future__ import annotations

import math
import os
import signal
import sys
import threading
import time
from typing import Any

import numpy as np
import pytest

from voxstack import Chunk, RequestError, Speech
from voxstack.streaming.timeline import Timeline

RATE = 16000
NOISE = np.random.default_rng(1).normal(0, 0.05, 2 * RATE).astype(np.float32)


def events_of(*times: tuple[float, float]) -> Any:
    timeline = Timeline(1.0)
    for index, (start, duration) in enumerate(times):
        timeline.add("word", f"word{index}", start, duration, (index, index + 1))
    return timeline.take(math.inf)


SPEECH = Speech(NOISE, RATE, events_of((0.0, 0.5), (0.5, 0.75), (1.25, 0.75)))


def test_a_speech_is_an_array_of_its_samples() -> None:
    assert np.asarray(SPEECH) is not None
    np.testing.assert_array_equal(np.asarray(SPEECH), NOISE)
    assert np.shares_memory(np.asarray(SPEECH), NOISE)
    assert np.asarray(SPEECH, dtype=np.float64).dtype == np.float64
    assert not np.shares_memory(np.array(SPEECH), NOISE)
    assert len(SPEECH) == len(NOISE)
    assert np.abs(SPEECH).max() == np.abs(NOISE).max()
    np.testing.assert_array_equal(np.asarray(Chunk(NOISE, 0)), NOISE)


@pytest.mark.skipif(np.lib.NumpyVersion(np.__version__) < "2.0.0", reason="copy=False means this from numpy 2 on")
def test_an_array_that_must_not_be_copied() -> None:
    assert np.shares_memory(np.array(SPEECH, copy=False), NOISE)
    with pytest.raises(ValueError, match="copy"):
        np.array(SPEECH, dtype=np.float64, copy=False)


def test_representations_are_short() -> None:
    assert repr(SPEECH) == "Speech(2.00 s, 16000 Hz, 3 words)"
    assert repr(Speech(NOISE, RATE, events_of((0, 1)))) == "Speech(2.00 s, 16000 Hz, 1 word)"
    assert repr(Chunk(NOISE, 8000, SPEECH.events, RATE)) == "Chunk(2.00 s from 0.50 s, 16000 Hz, 3 events)"
    assert repr(Chunk(NOISE[:1], 7)) == "Chunk(1 sample from 7, 0 events)"


def test_a_chunk_has_a_duration_and_bytes() -> None:
    chunk = Chunk(NOISE, 0, sample_rate=RATE)
    assert (chunk.sample_rate, chunk.duration) == (RATE, 2.0)
    assert np.frombuffer(chunk.pcm16(), "<i2").tolist() == (NOISE * 32767).round().tolist()
    assert math.isnan(Chunk(NOISE, 0).duration)


def test_chunks_are_joined() -> None:
    chunks = [Chunk(NOISE[:999], 0, events_of((0.0, 0.5)), RATE), Chunk(NOISE[999:], 999, events_of((1.0, 0.5)), RATE)]
    speech = Speech.joined(iter(chunks))
    np.testing.assert_array_equal(speech.samples, NOISE)
    assert [event.start for event in speech.events] == [0.0, 1.0]
    assert speech.sample_rate == RATE
    with pytest.raises(RequestError, match="no chunk has a sample rate"):
        Speech.joined([])
    assert Speech.joined([], RATE).samples.dtype == np.float32


def test_resampling_keeps_duration_and_events() -> None:
    time_axis = np.arange(2 * RATE) / RATE
    sine = np.sin(2 * np.pi * 440 * time_axis).astype(np.float32)
    speech = Speech(sine, RATE, SPEECH.events).resample(44100)
    assert (speech.sample_rate, len(speech)) == (44100, 88200)
    expected = np.sin(2 * np.pi * 440 * np.arange(88200) / 44100)
    np.testing.assert_allclose(speech.samples[2000:-2000], expected[2000:-2000], atol=1e-4)
    assert speech.events == SPEECH.events
    assert SPEECH.resample(RATE) is SPEECH


@pytest.mark.parametrize("rate", [0, -1, 8000.0, True, "8000", 10**6])
def test_rates_that_are_invalid(rate: Any) -> None:
    with pytest.raises(RequestError, match="the sample rate is"):
        SPEECH.resample(rate)


def test_a_part_has_the_events_that_begin_in_it() -> None:
    part = SPEECH.cut(0.25, 1.5)
    np.testing.assert_array_equal(part.samples, NOISE[4000:24000])
    assert [(event.text, event.start, event.duration) for event in part.events] == [
        ("word1", 0.25, 0.75),
        ("word2", 1.0, 0.25),
    ]
    assert [event.span for event in part.events] == [(1, 2), (2, 3)]
    assert SPEECH.cut().events == SPEECH.events
    assert len(SPEECH.cut(2.0)) == 0
    assert SPEECH.cut(1.0, 99.0).duration == 1.0


@pytest.mark.parametrize("times", [(-0.1, None), (1.0, 0.5), (2.5, None), (0.0, -1.0)])
def test_parts_that_do_not_exist(times: Any) -> None:
    with pytest.raises(RequestError, match="cannot cut from"):
        SPEECH.cut(*times)


@pytest.mark.parametrize("seconds", [2.0, 0.39, 0.1])
def test_normalizing_reaches_the_loudness(seconds: float) -> None:
    speech = SPEECH.cut(0.0, seconds)
    for lufs in (-16.0, -30.0):
        normalized = speech.normalize(lufs)
        assert normalized.loudness() == pytest.approx(lufs, abs=0.05)
        ratio = normalized.samples / speech.samples
        assert ratio.max() == pytest.approx(ratio.min(), rel=1e-4), "one gain for all"
    assert normalized.events == speech.events


def test_normalizing_never_clips() -> None:
    clicks = NOISE * 0.01
    clicks[::4000] = 0.3
    with pytest.warns(
        UserWarning, match=r"the loudness is -\d+\.\d LUFS instead of -16: more would lift the true peak"
    ):
        loud = Speech(clicks, RATE).normalize()
    limit = 10 ** (-1 / 20)
    assert np.abs(loud.samples).max() == pytest.approx(limit, rel=1e-4)
    assert np.abs(loud.resample(64000).samples).max() <= limit * 1.0001


def test_peaks_between_samples_count() -> None:
    sine = np.sin(np.pi / 2 * np.arange(RATE) + np.pi / 4).astype(np.float32) * 0.7  # its samples miss every crest
    with pytest.warns(UserWarning, match="true peak"):
        loud = Speech(sine, RATE).normalize(0.0)
    assert np.abs(loud.samples).max() == pytest.approx(10 ** (-1 / 20) / 2**0.5, rel=0.02)  # its ends have more


def test_silence_stays_silent() -> None:
    silent = Speech(np.zeros(8000, np.float32), RATE)
    assert silent.loudness() == -math.inf
    np.testing.assert_array_equal(silent.normalize().samples, silent.samples)
    assert len(Speech(np.zeros(0, np.float32), RATE).normalize()) == 0


@pytest.mark.parametrize("settings", [{"lufs": 3.0}, {"lufs": math.nan}, {"peak": 1.0}])
def test_loudness_that_does_not_exist(settings: Any) -> None:
    with pytest.raises(RequestError, match="must be a number from"):
        SPEECH.normalize(**settings)


class Speaker:
    """A module ``sounddevice`` whose device takes the time that its samples last."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.played = 0
        self.interrupt = 0

    def OutputStream(self, samplerate: int, **settings: Any) -> Speaker:
        self.rate = samplerate
        return self

    def write(self, samples: np.ndarray) -> None:
        self.played += len(samples)
        time.sleep(len(samples) / self.rate)

    def __getattr__(self, name: str) -> Any:
        return lambda: self.calls.append(name)


@pytest.fixture
def speaker(monkeypatch: pytest.MonkeyPatch) -> Speaker:
    module = Speaker()
    monkeypatch.setitem(sys.modules, "sounddevice", module)
    return module


def test_play_waits_until_all_is_heard(speaker: Speaker) -> None:
    began = time.monotonic()
    player = SPEECH.cut(0, 0.2).play()
    assert time.monotonic() - began >= 0.2
    assert not player.playing
    assert (speaker.played, speaker.rate) == (3200, RATE)
    assert speaker.calls == ["start", "stop", "close"]


def test_playing_in_the_background_can_be_stopped(speaker: Speaker) -> None:
    player = SPEECH.play(wait=False)
    assert player.playing
    player.stop()
    assert not player.playing
    assert speaker.played < len(SPEECH)
    assert speaker.calls == ["start", "abort", "close"]
    player = SPEECH.cut(0, 0.1).play(wait=False)
    player.finish()
    assert speaker.calls[-2:] == ["stop", "close"]


def test_an_interruption_stops_it(speaker: Speaker) -> None:
    threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        SPEECH.play()
    assert speaker.played < len(SPEECH)
    assert speaker.calls == ["start", "abort", "close"]


def test_without_sounddevice_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(RequestError, match=r'pip install "voxstack-voice\[play\]"'):
        SPEECH.play()
