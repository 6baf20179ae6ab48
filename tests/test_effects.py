"""Effects on a real voice: streams that start in the middle, times of words, and speech that can still be understood."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

import voxstack
from voxstack import StreamableBlock, StreamableStack
from voxstack.streaming.timeline import Timeline
from voxstack_dsp.gain import Gain
from voxstack_dsp.pitch_shift import PitchShift
from voxstack_dsp.shape_pauses import ShapePauses
from voxstack_dsp.time_stretch import TimeStretch
from voxstack_effects.loudness import Loudness
from voxstack_effects.passes import HighPass
from voxstack_effects.telephone import Telephone

TEXT = "The train to the coast leaves at nine. We had better hurry, or we will miss it."
RATE = 16_000
BLOCKS = [
    TimeStretch(1.25, RATE),
    PitchShift(-2, sample_rate=RATE),
    ShapePauses(Gain(), RATE, 0.3),
    Loudness(-20, sample_rate=RATE),
    HighPass(80, 4, sample_rate=RATE),
    Telephone(sample_rate=RATE),
]


@pytest.fixture(scope="module")
def speech() -> voxstack.Speech:
    """Return the text spoken by amber."""
    return voxstack.load("amber").synthesize(TEXT)


def run(block: StreamableBlock, samples: np.ndarray) -> np.ndarray:
    return np.concatenate(list(block.stream(iter(np.array_split(samples, 40)), {})))


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: type(block).__name__)
def test_a_recogniser_understands_the_speech(speech, block):
    sys.path.insert(0, str(Path(__file__).parents[1] / "plugins" / "voice_amber" / "training"))
    import recognition
    from jiwer import wer

    heard = recognition.Recogniser().transcribe(run(block, speech.samples), RATE)
    assert wer(recognition.words(TEXT), heard) <= 0.3, heard


@pytest.mark.parametrize("rate", [0.8, 1.25])
def test_the_times_of_words_follow_a_stretched_voice(speech, rate):
    """Where the words were loud, they are loud, at the new times."""

    class Spoken(StreamableBlock):
        """The speech, with its words."""

        head = True

        def stream(self, source, utterance):
            for event in speech.events:
                utterance["timeline"].add(event.kind, event.text, event.start * RATE, event.duration * RATE, event.span)
            yield speech.samples

    timeline = Timeline(RATE)
    stack = StreamableStack([Spoken(), TimeStretch(rate, RATE)])
    made = np.concatenate(list(stack.stream(iter(()), {"timeline": timeline})))
    moved = [event for event in timeline.take(60) if event.kind == "word"]
    words = [event for event in speech.events if event.kind == "word"]
    assert [event.text for event in moved] == [event.text for event in words]
    before = [level(speech.samples, event) for event in words]
    after = [level(made, event) for event in moved]
    assert np.corrcoef(before, after)[0, 1] > 0.95


def level(samples: np.ndarray, event: voxstack.streaming.timeline.Event) -> float:
    """Return the level of an event, dB."""
    part = samples[round(event.start * RATE) : round((event.start + event.duration) * RATE)].astype(np.float64)
    return float(10 * np.log10(np.mean(part**2) + 1e-12))


def test_a_pitch_shift_of_real_speech_is_as_large_as_it_says(speech):
    before, after = (voiced_pitch(samples) for samples in (speech.samples, run(BLOCKS[1], speech.samples)))
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
