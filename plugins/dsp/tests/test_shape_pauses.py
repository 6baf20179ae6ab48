from __future__ import annotations

import math

import numpy as np
import pytest
from sources import Whole

from voxstack import Schedule
from voxstack.streaming.timeline import Timeline
from voxstack.testing import Case, parametrize_with_checks
from voxstack_dsp.gain import Gain
from voxstack_dsp.shape_pauses import ShapePauses

RATE = 1000
SOUND = np.sin(np.arange(1, 301) * 0.7).astype(np.float32)


def silence(count: int) -> np.ndarray:
    return np.linspace(1e-5, 1e-4, count).astype(np.float32)


def joined(*parts: np.ndarray) -> np.ndarray:
    return np.concatenate(parts)


SAMPLES = joined(SOUND, silence(60), SOUND, silence(400), SOUND, silence(1000), SOUND, silence(200))


@parametrize_with_checks(
    [
        Case(ShapePauses(Whole(), RATE, 0.5), {"samples": SAMPLES}),
        Case(ShapePauses(Whole(), RATE, 2, 700, 100, -60, 30), {"samples": SAMPLES}),
        Case(ShapePauses(Gain(), RATE, 1, 200, 100, -60, 20), source=SOUND),
        Case(ShapePauses(Gain(), RATE, shortest_ms=0, lookahead_ms=0)),
    ]
)
def test_contract(case, check):
    check(case)


@pytest.mark.parametrize("sizes", [[7, 1, 30, 400], [10**6]], ids=str)
@pytest.mark.parametrize(
    ("factor", "longest"), [(0.5, None), (0, None), (3, None), (1, 300), (2, 500), (1, None), (1, 0)]
)
def test_pauses_alone_become_shorter_or_longer_however_the_source_is_cut(factor, longest, sizes):
    made = Case(ShapePauses(Gain(), RATE, factor, longest, 100, -60, 40), source=SAMPLES).run(sizes)
    due = [shaped(count, factor, longest) for count in (60, 400, 1000, 200)]
    assert len(made) == 4 * len(SOUND) + sum(due)
    place = 0
    for count in due:
        np.testing.assert_array_equal(made[place : place + len(SOUND)], SOUND)
        place += len(SOUND) + count
    assert np.abs(made[len(SOUND) :][: due[0]]).max() <= 1e-4


def shaped(count: int, factor: float, longest: float | None) -> int:
    """Return what becomes of a pause, in milliseconds, by the definition."""
    if count <= 100:
        return count
    return min(100 + math.floor((count - 100) * factor), max(100, longest if longest is not None else 10**9))


def test_nothing_changes_by_default():
    np.testing.assert_array_equal(Case(ShapePauses(Gain(), RATE), source=SAMPLES).run([31]), SAMPLES)


def run(schedule: Schedule, reported: list[tuple], **fields: float) -> tuple[np.ndarray, list[tuple]]:
    """Return the samples, and the events as (text, start, duration), each taken when its sound is there."""
    block = ShapePauses(Whole(), RATE, shortest_ms=100, **fields)
    timeline = Timeline(1.0)
    own = {"samples": SAMPLES, "schedule": schedule, "timeline": timeline, "reported": reported}
    chunks, events, count = [], [], 0
    for chunk in block.stream(iter(()), own):
        chunks.append(chunk)
        found = timeline.take(count + len(chunk))
        assert all(event.start >= count for event in found), "reported no later than with its first step"
        count += len(chunk)
        events += found
    events += timeline.take(math.inf)
    return joined(*chunks), [(event.text, event.start, event.duration) for event in events]


REPORTED = [
    ("sentence", "all", 0, len(SAMPLES)),
    ("word", "a", 0, 300),
    ("word", "b", 360, 300),
    ("mark", "inside a pause", 860, 0),
    ("word", "c", 1060, 300),
    ("word", "d and a pause", 2360, 500),
    ("mark", "end", len(SAMPLES), 0),
]


@pytest.mark.parametrize("schedule", [Schedule(1, growth=1.0, largest=1), Schedule(70, growth=1.3), Schedule(9000)])
def test_events_stay_with_their_sound(schedule):
    made, events = run(schedule, REPORTED, factor=0.5, lookahead_ms=600)
    # 400 silent samples become 250, 1000 become 550, and the last 200 become 150.
    assert len(made) == len(SAMPLES) - 150 - 450 - 50
    assert sorted(events) == sorted(
        [
            ("all", 0.0, float(len(SAMPLES))),  # longer than the lookahead, which has no pause
            ("a", 0.0, 300.0),
            ("b", 360.0, 300.0),
            ("inside a pause", 660.0 + 50 + 75, 0.0),
            ("c", 1060.0 - 150, 300.0),
            ("d and a pause", 2360.0 - 600, 450.0),
            ("end", float(len(made)), 0.0),
        ]
    )


def test_with_enough_lookahead_a_sentence_ends_with_its_sound():
    made, events = run(Schedule(5), REPORTED[:1], factor=0.1, lookahead_ms=10_000)
    assert events == [("all", 0.0, float(len(made)))]


def test_what_it_holds_is_bounded():
    block = ShapePauses(Gain(), RATE, 0.5, shortest_ms=100, lookahead_ms=200)
    pulled = made = 0

    def source():
        nonlocal pulled
        for chunk in [SOUND, *[silence(50)] * 200]:
            pulled += len(chunk)
            yield chunk

    for chunk in block.stream(source(), {}):
        made += len(chunk)
        assert pulled - 2 * made <= 250 + 2 * 50
