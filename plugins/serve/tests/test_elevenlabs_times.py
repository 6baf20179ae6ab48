from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from elevenlabs_client import characters, word_times

import voxstack
from voxstack import Schedule
from voxstack.streaming.timeline import Event
from voxstack_serve.elevenlabs.alignment import Aligner
from voxstack_serve.elevenlabs.segment import Segment

TEXT = 'Hello there,\nmy "dear" friend. It costs $23 (well-known). Yes, don\'t!'


def aligned(voice: voxstack.Voice, absolute: bool, largest: int) -> list[dict[str, Any]]:
    """Return messages with the alignments of a text in chunks of at most so many frames."""
    aligner, segment, count = Aligner(absolute), Segment(), 0
    segment.text = TEXT
    aligner.begin(segment, 0.0)
    found = []
    for chunk in voice.stream(TEXT, schedule=Schedule(first=min(largest, 16), growth=1.5, largest=largest)):
        count += len(chunk.samples)
        found.append(aligner.chunk(chunk.events, count / voice.sample_rate))
    found.append(aligner.end(count / voice.sample_rate))
    return [{"alignment": alignment} for alignment in found]


@pytest.fixture(scope="module")
def starts(amber: voxstack.Voice) -> list[int]:
    """Return the starts in ms of the words between blanks."""
    words = amber.synthesize(TEXT).words
    return [round(1000 * word.start) for word in words if word.text != "known"]


@pytest.mark.parametrize("absolute", [False, True])
@pytest.mark.parametrize("largest", [2, 7, 60, 512])
def test_times_are_those_of_the_voice_however_the_audio_is_cut(
    amber: voxstack.Voice, starts: list[int], absolute: bool, largest: int
) -> None:
    messages = aligned(amber, absolute, largest)
    assert characters(messages) == f" {TEXT} ".replace("\n", " ")
    times = word_times(messages, relative=not absolute)
    assert [word for word, _ in times] == TEXT.split()
    np.testing.assert_allclose([time for _, time in times], starts, atol=1)


@pytest.mark.parametrize("largest", [2, 7, 60, 512])
def test_characters_follow_one_another_to_the_end_of_the_audio(amber: voxstack.Voice, largest: int) -> None:
    found = [message["alignment"] for message in aligned(amber, True, largest) if message["alignment"]]
    spans = [
        (start, start + duration)
        for alignment in found
        for start, duration in zip(alignment["charStartTimesMs"], alignment["charDurationsMs"], strict=True)
    ]
    assert all(start <= end for start, end in spans)
    assert all(end <= start for (_, end), (start, _) in itertools.pairwise(spans))
    assert spans[-1][1] == round(1000 * amber.synthesize(TEXT).duration)


def times(chars: str, starts: list[int], durations: list[int]) -> dict[str, Any]:
    return {"chars": list(chars), "charStartTimesMs": starts, "charDurationsMs": durations}


def test_characters_share_the_time_of_their_word_and_those_between_share_theirs() -> None:
    aligner, segment = Aligner(absolute=False), Segment()
    segment.text = "Oh, you!"
    aligner.begin(segment, 1.0)
    found = aligner.chunk([Event("word", "Oh", 0.1, 0.2, (0, 2)), Event("phoneme", "ow", 0.1, 0.2)], 1.5)
    assert found == times(" Oh,", [0, 1100, 1200, 1300], [1100, 100, 100, 200])
    found = aligner.chunk([Event("word", "you", 0.6, 0.9, (4, 7))], 2.0)  # its audio goes on in the next chunk
    assert found == times(" you!", [0, 100, 233, 367, 500], [100, 133, 134, 133, 0])
    assert aligner.chunk([], 2.25) is None
    assert aligner.end(2.5) == times(" ", [0], [500])


def test_a_text_whose_words_have_no_times_is_spread_over_its_audio() -> None:
    aligner, segment = Aligner(absolute=True), Segment()
    segment.text = "abc"
    aligner.begin(segment, 0.0)
    assert aligner.chunk([], 0.4) is None
    found = aligner.end(0.8)
    assert found is not None
    assert (found["chars"], found["charStartTimesMs"]) == (list(" abc "), [0, 0, 200, 400, 600])


def test_words_without_spans_are_found_in_the_text() -> None:
    aligner, segment = Aligner(absolute=True), Segment()
    segment.text = "the cat, the dog"
    aligner.begin(segment, 0.0)
    words = [Event("word", text, start, 0.1) for start, text in enumerate(["the", "cat", "absent", "the", "dog"])]
    found = [{"alignment": aligner.chunk(words, 5.0)}, {"alignment": aligner.end(5.0)}]
    assert word_times(found, relative=False) == [("the", 0), ("cat,", 1000), ("the", 3000), ("dog", 4000)]


def test_times_never_run_backwards() -> None:
    aligner, segment = Aligner(absolute=True), Segment()
    segment.text = "a b"
    aligner.begin(segment, 0.0)
    words = [Event("word", "a", 0.0, 0.0025 + 1e-9, (0, 1)), Event("word", "b", 0.0025 - 1e-9, 0.1, (2, 3))]
    assert aligner.chunk(words, 0.1) == times(" a b", [0, 0, 3, 3], [0, 3, 0, 97])
