"""The simulation of fleets: what can be calculated by hand, and what must hold in every run."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent / "benchmarks"))
try:
    from fleets.costs import Calibration, Replica, VoiceCosts
    from fleets.demand import Demand, fixed
    from fleets.experiments import World, replicas_for, suffices
    from fleets.routing import POLICIES
    from fleets.scaling import Autoscaler
    from fleets.simulation import Fleet, Result, Run, simulate
    from fleets.state import (
        ARRIVED,
        ATTEMPTS_REFUSED,
        CHUNKS,
        GAPS,
        GONE,
        LATE,
        LOADS,
        REFUSED,
        RESUMES,
        SERVED,
    )
finally:
    del sys.path[0]

ONE_CHUNK = VoiceCosts(sentence=0.1, chunk=0.0, second=0.0, first=9.0, largest=9.0)
"""A stream of up to 9 s is one chunk, whose work is 0.1 s."""
SINGLE = Replica(workers=1, spare=0, load=math.inf, patience=math.inf, streams=400)
SPEAKS = VoiceCosts(0.02, 0.004, 0.02, 0.3, 6.4, load=0.2, load_work=0.1)
BIN = 0.011
"""The relative precision of times."""


def run(times: Any, costs: VoiceCosts = ONE_CHUNK, replica: Replica = SINGLE, audio: float = 1.0, **fleet: Any) -> Run:
    """Return a run with streams at these times, that has ended."""
    arrivals = fixed(np.asarray(times, float), audio)

    def between(begin: float, end: float) -> np.ndarray:
        return arrivals[(arrivals[:, 0] >= begin) & (arrivals[:, 0] < end)]

    made = Run(Fleet(1, replica, [costs], **fleet), between)
    made.until(float(max(times)) + 60.0)
    return made


def first(made: Run, share: float) -> float:
    result = Result(made.state.counters, made.state.times[0], made.state.times[1], 1.0, 0.0, 0, 0.0)
    return result.quantile(share)


def test_a_stream_alone_is_as_by_hand() -> None:
    """Its first chunk takes 0.02 + 0.004 + 0.3 * 0.02 s; the second, up to 16 times as long, has the other 3.7 s."""
    made = run([0.0], SPEAKS, audio=4.0)
    assert first(made, 0.5) == pytest.approx(0.03, rel=BIN)
    assert made.state.counters[CHUNKS] == 2
    assert made.state.busy[0] == pytest.approx(0.02 + 2 * 0.004 + 4 * 0.02)


def test_streams_at_once_wait_for_each_other() -> None:
    made = run([0.0] * 10)
    assert first(made, 0.05) == pytest.approx(0.1, rel=BIN)
    assert first(made, 1.0) == pytest.approx(1.0, rel=BIN)


def test_threads_share_the_cores() -> None:
    """Three threads on two cores: three streams of 0.1 s at once end after 0.15 s, and not after 0.1 and 0.2 s."""
    made = run([0.0] * 3, replica=replace(SINGLE, workers=2, spare=1))
    assert first(made, 0.1) == first(made, 1.0) == pytest.approx(0.15, rel=BIN)


def test_slow_threads_and_a_share_of_the_cores() -> None:
    made = run([0.0] * 2, replica=replace(SINGLE, workers=2, slowdown=(1.0, 1.25), share=0.5))
    assert first(made, 1.0) == pytest.approx(0.1 * 1.25 / 0.5, rel=BIN)


def test_random_arrivals_wait_as_in_the_closed_form() -> None:
    """M/D/1: the mean wait is load / (2 (1 - load)) services (Pollaczek and Khinchine)."""
    random, load = np.random.default_rng(4), 0.6
    count = 2_000
    times = np.cumsum(random.exponential(0.1 / load, count))
    made = run(times)
    counts = made.state.times[0]
    middle = 1e-4 * np.exp(0.01 * (np.arange(len(counts)) + 0.5))
    wait = (counts * middle).sum() / counts.sum() - 0.1
    ended, waits = 0.0, []
    for time in times:
        waits.append(max(0.0, ended - time))
        ended = max(ended, time) + 0.1
    assert wait == pytest.approx(np.mean(waits), rel=0.02, abs=0.001)
    assert wait == pytest.approx(0.1 * load / (2 * (1 - load)), rel=0.2)


def test_a_stream_that_plays_goes_before_new_ones_only_when_it_must() -> None:
    """New streams have their first audio before the second chunk of any, as long as no playback runs out."""
    costs = VoiceCosts(sentence=0.05, chunk=0.0, second=0.01, first=0.5, largest=6.0)
    few, many = run([0.0] * 4, costs, audio=4.0), run([0.0] * 40, costs, audio=4.0)
    assert first(few, 1.0) == pytest.approx(4 * 0.055, rel=BIN)
    assert first(many, 1.0) > 40 * 0.055 + 0.2
    assert few.state.counters[LATE] == 0


def test_more_than_the_patience_is_refused_and_tried_again() -> None:
    """30 streams of 0.1 s: who would wait for more than 1 s is refused, and comes back twice."""
    replica = replace(SINGLE, patience=1.0)
    once, thrice = run([0.0] * 30, replica=replica, attempts=1), run([0.0] * 30, replica=replica, attempts=3)
    assert once.state.counters[REFUSED] == once.state.counters[ATTEMPTS_REFUSED] > 15
    assert thrice.state.counters[REFUSED] < once.state.counters[REFUSED]
    assert thrice.state.counters[ATTEMPTS_REFUSED] > thrice.state.counters[REFUSED]


def test_a_load_beyond_the_limit_is_refused() -> None:
    """A second of audio takes 0.5 s of work: at a load of 90 %, one stream fits beside none."""
    costs = VoiceCosts(sentence=0.0, chunk=0.0, second=0.5, first=1.0, largest=1.0)
    made = run([0.0, 0.1, 0.2], costs, replace(SINGLE, load=0.9), audio=8.0, attempts=1)
    assert made.state.counters[[SERVED, REFUSED]].tolist() == [1, 2]


def test_a_voice_is_loaded_once_for_all_that_wait_for_it() -> None:
    made = Run(Fleet(1, SINGLE, [SPEAKS], slots=1), lambda begin, end: none(), (1.0, 0.0))
    assert made.state.loaded[0, 0] == 0
    made.state.counters[:] = 0
    rows = fixed(np.full(3, 0.1), 1.0)
    rows[:, 2] = 1
    made.arrivals = lambda begin, end: rows if begin == 0.0 else none()
    made.until(5.0)
    assert made.state.counters[[LOADS, SERVED]].tolist() == [1, 3]
    assert first(made, 0.01) == pytest.approx(0.2 + 0.03, rel=BIN)


def none() -> np.ndarray:
    return fixed(np.zeros(0), 1.0)


def cases() -> Iterator[Any]:
    for policy in POLICIES:
        for load in (0.6, 1.5):
            yield pytest.param(policy, load, id=f"{policy}-{load}")


@pytest.mark.parametrize("policy, load", list(cases()))
def test_every_request_ends_in_one_way(policy: str, load: float) -> None:
    fleet = Fleet(3, Replica(streams=24), [SPEAKS], policy, slots=2)
    demand = Demand(1.0, voices=5, stops=0.4)
    demand = replace(demand, rate=load * 3 * fleet.capacity(demand))
    result = simulate(fleet, demand, 3.0, warm=1.0, tail=0.5, losses=[(2.0, 1)])
    ended = result.counters[SERVED] + result.counters[REFUSED] + result.counters[GONE]
    assert result.counters[ARRIVED] == ended + result.running
    assert result.counters[SERVED] > 20


def test_equal_seeds_are_equal_runs() -> None:
    fleet, demand = Fleet(3, Replica(), [SPEAKS]), Demand(30.0)
    one, same, other = (simulate(fleet, demand, 3.0, seed=seed) for seed in (1, 1, 2))
    assert (one.first == same.first).all()
    assert (one.first != other.first).any()


def test_streams_of_a_lost_replica_go_on_elsewhere() -> None:
    fleet, demand = Fleet(10, Replica(), [replace(SPEAKS, second=0.08)]), Demand(18.0, stops=0.0)
    result = simulate(fleet, demand, 15.0, warm=5.0, tail=20.0, losses=[(10.0, 4)])
    assert result.counters[RESUMES] > 0
    assert result.counters[GAPS] <= result.counters[RESUMES] == result.gaps.sum()
    assert result.counters[ARRIVED] == result.counters[SERVED]


def test_replicas_follow_the_demand() -> None:
    demand = Demand(1.0, stops=0.0)
    fleet = Fleet(2, Replica(), [SPEAKS])
    busy = replace(demand, rate=6 * fleet.capacity(demand) * 0.7)
    random = np.random.default_rng(1)
    made = Run(
        fleet, lambda begin, end: busy.arrivals(random, begin, end) if end < 40 else none(), (1.0,), 1, Autoscaler(2, 8)
    )
    made.until(40.0)
    assert 5 <= made.steps[-1][2] <= 7
    made.until(240.0)
    assert made.steps[-1][2:] == (2, 2)


def test_the_fewest_replicas_that_meet_the_goal() -> None:
    costs = VoiceCosts(sentence=0.02, chunk=0.0, second=0.02, first=0.1, largest=6.4)
    world = World(Calibration("", {"a": costs}, SINGLE), ["a"], Demand(1.0, stops=0.0), cores=1, seeds=(1,))
    found = replicas_for(world, "round robin", 15.0, 3.0)
    assert found is not None
    assert found > 1
    assert suffices(world, found, "round robin", 15.0, 3.0)
    assert not suffices(world, found - 1, "round robin", 15.0, 3.0)


def test_a_goal_that_no_number_of_replicas_meets() -> None:
    costs = VoiceCosts(sentence=0.3, chunk=0.0, second=0.02, first=0.1, largest=6.4)
    world = World(Calibration("", {"a": costs}, SINGLE), ["a"], Demand(1.0), cores=1, seeds=(1,))
    assert replicas_for(world, "round robin", 4.0, 2.0) is None


def test_a_calibration_is_as_it_was_stored(tmp_path: Path) -> None:
    calibration = Calibration("a machine", {"amber": SPEAKS}, Replica(noise=(0.9, 1.1)))
    calibration.store(tmp_path / "costs.json")
    assert Calibration.stored(tmp_path / "costs.json") == calibration


def test_the_shipped_calibration_can_be_read() -> None:
    assert {"amber", "cobalt", "joe"} <= Calibration.stored().voices.keys()
