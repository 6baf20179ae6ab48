from __future__ import annotations

from itertools import islice

import pytest

from voxstack import Schedule
from voxstack_voice.playback import Playback


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def played(clock: Clock, samples: int, speed: float = 40.0, rate: int = 1000, **more: bool) -> Playback:
    """Playback of a stream that has given so many samples, and can make so many seconds of audio in a second."""
    playback = Playback(rate, speed=lambda: speed, clock=clock, **more)
    playback.delivered(samples)
    return playback


def test_without_a_listener_to_look_at_chunks_grow_to_the_largest() -> None:
    assert list(islice(Schedule(first=8, growth=2, largest=50, lookahead=5).sizes(), 6)) == [13, 16, 32, 50, 50, 50]


def test_the_first_chunk_is_the_one_wanted_and_all_that_is_waited_for(clock: Clock) -> None:
    assert next(Schedule(first=32, lookahead=41, playback=Playback(1000, clock=clock)).sizes()) == 73


def test_chunks_are_large_at_once_where_making_is_fast(clock: Clock) -> None:
    playback = played(clock, 400)  # 0.4 s of audio, at forty times real time
    sizes = Schedule(hop=10, growth=100, playback=playback).sizes()
    assert [next(sizes), next(sizes)] == [512, 512]


def test_a_chunk_takes_no_longer_to_make_than_its_share_of_the_lead(clock: Clock) -> None:
    playback = played(clock, 400, speed=4)  # 0.4 s ahead
    sizes = Schedule(hop=10, growth=100, share=0.5, playback=playback).sizes()
    next(sizes)
    assert next(sizes) == 0.5 * 0.4 * 4 * 1000 / 10


def test_growth_limits_how_fast_chunks_grow(clock: Clock) -> None:
    playback = Playback(1000, speed=lambda: 100.0, clock=clock)
    sizes = Schedule(first=32, growth=3, hop=10, playback=playback).sizes()
    made = [next(sizes)]
    for _ in range(3):
        playback.delivered(made[-1] * 10)
        made.append(next(sizes))
    assert made == [32, 96, 288, 512]


def test_chunks_are_small_again_when_playback_has_caught_up(clock: Clock) -> None:
    playback = played(clock, 4000)
    sizes = Schedule(hop=10, growth=100, playback=playback).sizes()
    assert next(sizes) == 512
    clock.now += 3.999
    assert next(sizes) == Schedule().first
    assert playback.late_chunks == 0
    clock.now += 1
    assert playback.lead == 0
    playback.delivered(100)
    assert playback.late_chunks == 1
    assert playback.lead == pytest.approx(0.1), "the listener waited for the late chunk, and goes on with it"


def test_where_nobody_listens_chunks_are_the_largest_from_the_start(clock: Clock) -> None:
    schedule = Schedule(playback=Playback(1000, live=False, clock=clock))
    assert list(islice(schedule.sizes(), 3)) == [512, 512, 512]
    assert not schedule.urgent


def test_it_is_urgent_until_there_is_audio(clock: Clock) -> None:
    playback = Playback(1000, clock=clock)
    schedule = Schedule(playback=playback)
    assert Schedule().urgent
    assert schedule.urgent
    playback.delivered(100)
    assert not schedule.urgent


def test_fixed_sizes_are_kept_to(clock: Clock) -> None:
    playback = played(clock, 4000)
    sizes = Schedule(hop=10, growth=100, playback=playback).before(0, 1, (28, 92)).sizes()
    assert [next(sizes), next(sizes)] == [92, 92]
    assert list(islice(Schedule(first=32, growth=2).before(0, 1, (28, 92)).sizes(), 4)) == [28, 28, 28, 28]
    assert next(Schedule(first=4).before(0, 1, (28, 92)).sizes()) == 28


def test_the_deadline_is_when_the_listener_runs_out(clock: Clock) -> None:
    playback = Playback(1000, patience=0.05, clock=clock)
    assert playback.deadline() == pytest.approx(100.05)
    clock.now += 1
    playback.delivered(500)
    assert playback.first_audio == pytest.approx(1.0)
    assert playback.deadline() == pytest.approx(101.5)
    playback.delivered(500)
    assert playback.deadline() == pytest.approx(102.0)
