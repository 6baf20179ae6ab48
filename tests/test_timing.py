"""Words and phonemes come with their audio: through nested stacks, pace, resampling, sentences, with any schedule."""

from __future__ import annotations

import itertools
import json
from typing import Any

import numpy as np
import pytest

import voxstack
from voxstack import Event, Schedule
from voxstack_addon_spec import network_hash

TEXT = "Good morning, everyone. Is there any more tea? Yes!"
FRAME = 200 / 16000
SCHEDULES = [Schedule(first=1, growth=1.0), Schedule(first=7, growth=1.3, largest=50), Schedule(), Schedule(first=512)]


@pytest.fixture(scope="module")
def amber() -> voxstack.Voice:
    return voxstack.load("amber", scheduler=voxstack.Scheduler(load=None, patience=None))


@pytest.fixture(scope="module")
def truth(amber: voxstack.Voice) -> list[tuple[str, float, float]]:
    """Return (phone, start, end) in seconds, from the durations of each sentence added up, without any timeline."""
    block = {"type": "SequenceBlockContainer", "blocks": [{"type": "Text"}, {"type": "Encoders"}, {"type": "Pace"}]}
    sequence, upsampler = voxstack.build(block, amber.addon), voxstack.build({"type": "Upsampler"})
    found, start = [], 0.0
    for sentence in ("Good morning, everyone.", "Is there any more tea?", "Yes!"):
        outputs = sequence({"text": sentence, "rate": 1.25})
        for phone, frames in zip(outputs["phones"], upsampler.round_durations(outputs["durations"]), strict=True):
            found.append((phone, start, start + frames * FRAME))
            start += frames * FRAME
    return found


def streamed(voice: voxstack.Voice, schedule: Schedule) -> list[voxstack.Chunk]:
    return list(voice.stream(TEXT, schedule=schedule, rate=1.25))


def kind(chunks: list[voxstack.Chunk], wanted: str) -> list[Event]:
    return [event for chunk in chunks for event in chunk.events if event.kind == wanted]


def close(events: list[Event], truth: list[tuple[str, float, float]]) -> bool:
    """Return whether the events are these phones, each within one frame."""
    same = [event.text for event in events] == [phone for phone, *_ in truth]
    pairs = zip(events, truth, strict=True)
    return same and all(
        abs(e.start - start) <= FRAME and abs(e.start + e.duration - end) <= FRAME for e, (_, start, end) in pairs
    )


@pytest.mark.parametrize("schedule", SCHEDULES, ids=str)
def test_phonemes_are_where_the_durations_say(amber: voxstack.Voice, truth: list[Any], schedule: Schedule) -> None:
    chunks = streamed(amber, schedule)
    assert close(kind(chunks, "phoneme"), truth)
    assert sum(len(chunk.samples) for chunk in chunks) == round(truth[-1][2] * 16000)


@pytest.mark.parametrize("schedule", SCHEDULES, ids=str)
def test_every_event_begins_in_the_chunk_that_it_comes_with(amber: voxstack.Voice, schedule: Schedule) -> None:
    for chunk in streamed(amber, schedule):
        for event in chunk.events:
            assert chunk.start <= round(event.start * 16000) < chunk.start + len(chunk.samples)


def test_words_are_those_of_the_text_with_their_places(amber: voxstack.Voice, truth: list[Any]) -> None:
    words = amber.synthesize(TEXT, rate=1.25).words
    assert [word.text for word in words] == "Good morning everyone Is there any more tea Yes".split()
    assert [TEXT[slice(*word.span)] for word in words] == [word.text for word in words]
    starts = {round(start / FRAME) for _, start, _ in truth}
    assert all(round(word.start / FRAME) in starts for word in words)
    assert all(one.start + one.duration <= two.start + 1e-9 for one, two in itertools.pairwise(words))


def test_marks_are_where_the_words_behind_them_begin(amber: voxstack.Voice) -> None:
    ssml = '<speak>Good <mark name="here"/>morning. <mark name="there"/>Yes, '
    ssml += '<break time="700ms"/><mark name="last"/> please.</speak>'
    speech = amber.synthesize(ssml, markup="ssml")
    words = {word.text: word.start for word in speech.words}
    marks = {event.text: event.start for event in speech.events if event.kind == "mark"}
    assert marks == pytest.approx({"here": words["morning"], "there": words["Yes"], "last": words["please"]}, abs=FRAME)


def test_where_a_word_is_said_there_is_sound_and_between_sentences_there_is_none(amber: voxstack.Voice) -> None:
    speech = amber.synthesize("Good. Night.")
    good, night = speech.words
    level = lambda start, end: float(np.abs(speech.samples[round(start * 16000) : round(end * 16000)]).max())  # noqa: E731
    assert level(good.start, good.start + good.duration) > 0.1
    assert level(night.start, night.start + night.duration) > 0.1
    assert level(good.start + good.duration + 0.03, night.start - 0.03) < 0.02
    assert level(0, good.start - 0.03) < 0.02


@pytest.fixture(scope="module")
def resampled(amber: voxstack.Voice, tmp_path_factory: pytest.TempPathFactory) -> voxstack.Voice:
    """Return amber at 24 kHz: its stack, nested in another, followed by a thread, a resampler and a limiter."""
    config = amber.addon.config
    networks = {}
    for name, spec in config["networks"].items():
        lent = spec if "addon" in spec else {"addon": "amber", "network": name, "sha256": network_hash(config, name)}
        networks[name] = lent
    stack = [
        {"type": "StreamableStack", "stack": [*config["stack"], {"type": "Prefetch"}]},
        {"type": "Resample", "source_rate": 16000, "target_rate": 24000},
        {"type": "Limiter", "sample_rate": 24000},
    ]
    own = {**config, "name": "amber24", "sample_rate": 24000, "hop_length": 300, "networks": networks, "stack": stack}
    folder = tmp_path_factory.mktemp("addons") / "amber24"
    folder.mkdir()
    (folder / "addon.json").write_text(json.dumps({**own, "files": {}, "golden": []}))
    return voxstack.load(folder, scheduler=voxstack.Scheduler(load=None, patience=None))


@pytest.mark.parametrize("schedule", SCHEDULES, ids=str)
def test_times_hold_through_nested_stacks_and_resampling(
    resampled: voxstack.Voice, truth: list[Any], schedule: Schedule
) -> None:
    chunks = streamed(resampled, schedule)
    assert close(kind(chunks, "phoneme"), truth)
    assert all(c.start <= e.start * 24000 + 1 < c.start + len(c.samples) + 2 for c in chunks for e in c.events)


def test_sentences_follow_each_other_without_clicks(amber: voxstack.Voice) -> None:
    """Around each join the signal is as quiet, and moves as little, as in the silences around it."""
    speech = amber.synthesize("She closed the door. Nobody was there! Was it late?")
    jumps = np.abs(np.diff(speech.samples))
    sentences = [event for event in speech.events if event.kind == "sentence"]
    assert len(sentences) == 3
    for sentence in sentences[1:]:
        join = round(sentence.start * 16000)
        assert jumps[join - 80 : join + 80].max() < 2e-3
        assert np.abs(speech.samples[join - 80 : join + 80]).max() < 5e-3
    assert np.abs(speech.samples).max() > 0.3
