from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest
from sources import Whole

from voxstack import RequestError, Schedule
from voxstack.streaming.timeline import Timeline
from voxstack.testing import Case, parametrize_with_checks
from voxstack_dsp.gain import Gain
from voxstack_dsp.trim_silence import TrimSilence

RATE = 1000
SOUND = np.sin(np.arange(1, 301) * 0.7).astype(np.float32)


def silence(count: int) -> np.ndarray:
    return np.full(count, 1e-4, np.float32)


def joined(*parts: np.ndarray) -> np.ndarray:
    return np.concatenate(parts)


def run(samples: np.ndarray, schedule: Schedule | None = None, block: TrimSilence | None = None, **utterance):
    """Return the samples and the events, each as (kind, text, start, duration)."""
    block = block or TrimSilence(Whole(), RATE, keep_ms=10, lookahead_ms=100)
    timeline = Timeline(1.0)
    own = {"samples": samples, "schedule": schedule or Schedule(50), "timeline": timeline, **utterance}
    chunks, events, count = [], [], 0
    for chunk in block.stream(iter(()), own):
        chunks.append(chunk)
        count += len(chunk)
        events += timeline.take(count)
    events += timeline.take(math.inf)
    found = [(event.kind, event.text, event.start, event.duration) for event in events]
    return joined(*chunks, np.zeros(0, np.float32)), found


SAMPLES = joined(silence(70), SOUND, silence(60), SOUND, silence(80))


@parametrize_with_checks(
    [
        Case(TrimSilence(Whole(), RATE), {"samples": SAMPLES}),
        Case(TrimSilence(Whole(), RATE, pause_ms=25, lookahead_ms=1000), {"samples": SAMPLES, "pause": 2.0}),
        TrimSilence(Gain(), RATE, lookahead_ms=3),
        Case(TrimSilence(Gain(), RATE, lookahead_ms=40), source=joined(SOUND, silence(500), SOUND)),
    ]
)
def test_contract(case, check):
    check(case)


@pytest.mark.parametrize("before", [0, 5, 10, 70, 3000])
@pytest.mark.parametrize("behind", [0, 5, 10, 100, 110])
def test_silence_at_both_ends_is_removed(before, behind):
    samples, _ = run(joined(silence(before), SOUND, silence(40), SOUND, silence(behind)))
    whole = joined(silence(min(before, 10)), SOUND, silence(40), SOUND, silence(min(behind, 10)))
    np.testing.assert_array_equal(samples, whole)


def test_silence_inside_and_beyond_the_lookahead_stays():
    samples, _ = run(joined(SOUND, silence(5000), SOUND, silence(150)))
    np.testing.assert_array_equal(samples, joined(SOUND, silence(5000), SOUND, silence(50)))


@pytest.mark.parametrize("samples", [silence(0), silence(1), silence(1000)])
def test_silence_alone_gives_nothing(samples):
    block = TrimSilence(Whole(), RATE, pause_ms=20)
    found, events = run(samples, block=block, reported=[("sentence", "...", 0, len(samples))])
    assert len(found) == 0
    assert events == [("sentence", "...", 0.0, 0.0)]


@pytest.mark.parametrize(
    ("utterance", "pause"),
    [
        ({}, 25),
        ({"pause": 2.0}, 50),
        ({"pause": 0.0}, 0),
        ({"passage": SimpleNamespace(ending=",")}, 10),
        ({"passage": SimpleNamespace(ending="")}, 25),
    ],
    ids=str,
)
def test_a_pause_follows(utterance, pause):
    block = TrimSilence(Whole(), RATE, keep_ms=0, pause_ms=25, phrase_pause_ms=10)
    samples, _ = run(joined(SOUND, silence(30)), block=block, **utterance)
    np.testing.assert_array_equal(samples, joined(SOUND, np.zeros(pause, np.float32)))


@pytest.mark.parametrize("pause", [-1.0, 101, math.nan, "long"])
def test_other_pauses_are_refused(pause):
    with pytest.raises(RequestError, match="TrimSilence: pause is"):
        run(SOUND, pause=pause)


REPORTED = [
    ("sentence", "a b", 0, 810),
    ("word", "a", 60, 300),
    ("word", "b", 430, 310),
    ("mark", "inside the silence before", 20, 0),
    ("word", "pause", 750, 60),
]


@pytest.mark.parametrize("schedule", [Schedule(1, growth=1.0, largest=1), Schedule(7, growth=1.3), Schedule(5000)])
def test_events_stay_with_their_sound(schedule):
    events = sorted(run(SAMPLES, schedule, reported=REPORTED)[1], key=lambda event: event[2])
    first, last = 60, 740  # where the sound begins and ends, with 10 samples of silence
    assert events == [
        ("sentence", "a b", 0.0, 810.0 - first),  # longer than the lookahead, so that its end is not known in time
        ("mark", "inside the silence before", 0.0, 0.0),
        ("word", "a", 0.0, 300.0),
        ("word", "b", 430.0 - first, 310.0),
        ("word", "pause", last - first, 0.0),
    ]


def test_with_enough_lookahead_every_event_ends_with_the_sound():
    block = TrimSilence(Whole(), RATE, keep_ms=10, lookahead_ms=10_000)
    samples, events = run(SAMPLES, block=block, reported=REPORTED)
    assert max(start + duration for _, _, start, duration in events) == len(samples) == 680
    assert events[0] == ("sentence", "a b", 0.0, 680.0)


def test_events_of_a_stream_are_reported_no_later_than_their_sound():
    block = TrimSilence(Whole(), RATE, keep_ms=10, lookahead_ms=100)
    timeline = Timeline(1.0)
    own = {"samples": SAMPLES, "schedule": Schedule(1, growth=1.0, largest=1), "timeline": timeline}
    count = 0
    for chunk in block.stream(iter(()), {**own, "reported": REPORTED}):
        for event in timeline.take(count + len(chunk)):
            assert count <= event.start < count + len(chunk) or event.start == 0
        count += len(chunk)


def test_what_it_holds_is_bounded():
    """After a long silence, the stream goes on with at most the lookahead held back."""
    block = TrimSilence(Gain(), RATE, lookahead_ms=100)
    pulled = given = 0

    def source():
        nonlocal pulled
        for chunk in [SOUND, *[silence(50)] * 200]:
            pulled += len(chunk)
            yield chunk

    for chunk in block.stream(source(), {}):
        given += len(chunk)
        assert pulled - given <= 100 + 2 * 50
