"""Effects on a real voice: speech that can still be understood, its pitch, and the times of its words."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import signal

import voxstack
from voxstack import StreamableBlock, StreamableStack
from voxstack.streaming.timeline import Timeline
from voxstack_dsp.pitch_shift import PitchShift
from voxstack_dsp.shape_pauses import ShapePauses
from voxstack_dsp.time_stretch import TimeStretch
from voxstack_effects.telephone import Telephone

TEXT = "The train to the coast leaves at nine. We had better hurry, or we will miss it."
RATE = 16_000
SHIFT = PitchShift(-2, sample_rate=RATE)


@pytest.fixture(scope="module")
def speech() -> voxstack.Speech:
    """Return the text spoken by amber."""
    return voxstack.load("amber").synthesize(TEXT)


def run(block: StreamableBlock, samples: np.ndarray) -> np.ndarray:
    return np.concatenate(list(block.stream(iter(np.array_split(samples, 40)), {})))


@pytest.mark.parametrize(
    ("block", "bound"),
    [
        (TimeStretch(1.25, RATE), 0.3),
        (SHIFT, 0.3),
        (Telephone(sample_rate=RATE), 0.5),  # the recogniser was trained on speech of the full band
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_recogniser_understands_the_speech(speech, block, bound):
    sys.path.insert(0, str(Path(__file__).parents[1] / "plugins" / "voice_amber" / "training"))
    import recognition
    from jiwer import wer

    heard = recognition.Recogniser().transcribe(run(block, speech.samples), RATE)
    assert wer(recognition.words(TEXT), heard) <= bound, heard


def test_a_telephone_sounds_as_one_made_of_other_parts(speech):
    narrow = signal.resample_poly(speech.samples.astype(np.float64), 1, 2)
    band = signal.sosfilt(signal.butter(4, [300, 3400], "band", output="sos", fs=8000), narrow)
    expected = signal.resample_poly(mu_law(band), 2, 1)
    made = run(Telephone(sample_rate=RATE), speech.samples)
    assert 10 * np.log10(np.mean(expected**2) / np.mean((made - expected) ** 2)) > 25


def mu_law(samples: np.ndarray) -> np.ndarray:
    """Return samples in 255 levels by the continuous formula that G.711 approximates."""
    levels = np.sign(samples) * np.log1p(255 * np.abs(samples)) / np.log(256)
    levels = np.rint(levels * 127) / 127
    return np.sign(levels) * np.expm1(np.abs(levels) * np.log(256)) / 255


def test_words_stay_in_place_where_pauses_are_shorter(speech):
    timeline = Timeline(RATE)
    block = ShapePauses(spoken(speech), RATE, 0.0, lookahead_ms=2000)
    made = np.concatenate(list(block.stream(iter(()), {"timeline": timeline})))
    assert len(made) < len(speech.samples) - 0.1 * RATE
    compare_words(speech, made, timeline)


@pytest.mark.parametrize("rate", [0.8, 1.25])
def test_the_times_of_words_follow_a_stretched_voice(speech, rate):
    timeline = Timeline(RATE)
    stack = StreamableStack([spoken(speech), TimeStretch(rate, RATE)])
    made = np.concatenate(list(stack.stream(iter(()), {"timeline": timeline})))
    compare_words(speech, made, timeline)


def spoken(speech: voxstack.Speech) -> StreamableBlock:
    """Return the head of a stream that gives finished speech, with its words."""

    class Spoken(StreamableBlock):
        head = True

        def stream(self, source, utterance):
            for event in speech.events:
                utterance["timeline"].add(event.kind, event.text, event.start * RATE, event.duration * RATE, event.span)
            yield speech.samples

    return Spoken()


def compare_words(speech: voxstack.Speech, made: np.ndarray, timeline: Timeline) -> None:
    """Check that the words of changed speech are as loud as before, which they are in their places alone."""
    words, moved = (
        [event for event in events if event.kind == "word"] for events in (speech.events, timeline.take(60))
    )
    assert [event.text for event in moved] == [event.text for event in words]
    before, after = (
        [level(samples, event) for event in events] for samples, events in ((speech.samples, words), (made, moved))
    )
    np.testing.assert_allclose(after, before, atol=1.5)


def level(samples: np.ndarray, event: voxstack.streaming.timeline.Event) -> float:
    """Return the level of an event, dB."""
    part = samples[round(event.start * RATE) : round((event.start + event.duration) * RATE)].astype(np.float64)
    return float(10 * np.log10(np.mean(part**2) + 1e-12))


def test_a_pitch_shift_of_real_speech_is_as_large_as_it_says(speech):
    before, after = (voiced_pitch(samples) for samples in (speech.samples, run(SHIFT, speech.samples)))
    both = np.isfinite(before) & np.isfinite(after)
    assert both.sum() > 30
    assert np.median(12 * np.log2(after[both] / before[both])) == pytest.approx(-2, abs=0.25)


def voiced_pitch(samples: np.ndarray) -> np.ndarray:
    """Return the pitch in Hz each 20 ms, by autocorrelation, NaN where the speech is not clearly voiced."""
    pitches = np.full(len(samples) // 320 - 2, np.nan)
    for number in range(len(pitches)):
        frame = samples[320 * number : 320 * number + 960].astype(np.float64) * np.hanning(960)
        similar = np.correlate(frame, frame, "full")[959:]
        lag = 40 + int(similar[40:230].argmax())
        if similar[0] > 0.5 and similar[lag] > 0.6 * similar[0]:
            pitches[number] = RATE / lag
    return pitches
