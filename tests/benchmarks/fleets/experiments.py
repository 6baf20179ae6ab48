"""The questions that the simulation answers, and their tables."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from fleets.costs import Calibration
from fleets.demand import DAY, Demand
from fleets.routing import POLICIES
from fleets.scaling import Autoscaler
from fleets.simulation import Fleet, Result, Run, simulate
from fleets.state import ARRIVED, CHUNKS, GAPS, LATE, LOADS, REFUSED, RESUMES

GOAL, MOST_REFUSED = 0.2, 0.001
"""Seconds within which 99 % have their first audio, and the part that may be refused after all attempts."""

Row = list[str]


@dataclass(frozen=True)
class World:
    """A demand and the fleets that could serve it.

    :param kinds: names of calibrated voices, whose costs the voices of the demand have in turns.
    :param memory: of a replica for voices, in megabytes.
    """

    calibration: Calibration
    kinds: Sequence[str]
    demand: Demand
    cores: int = 2
    memory: float = 400.0
    seeds: Sequence[int] = (1, 2, 3)

    def fleet(self, replicas: int, policy: str) -> Fleet:
        """Return a fleet with this router."""
        costs = [self.calibration.voices[name] for name in self.kinds]
        slots = max(1, int(self.memory / statistics.mean(one.megabytes for one in costs)))
        return Fleet(replicas, self.calibration.replica.of_cores(self.cores), costs, policy, slots=slots)

    def at(self, rate: float) -> Demand:
        """Return the demand at another rate."""
        return replace(self.demand, rate=rate)

    def runs(self, replicas: int, policy: str, rate: float, seconds: float) -> list[Result]:
        """Return a run with each seed."""
        fleet, demand = self.fleet(replicas, policy), self.at(rate)
        return [simulate(fleet, demand, seconds, warm=20.0, seed=seed) for seed in self.seeds]


def over_seeds(figures: Sequence[float], unit: str = "") -> str:
    """Return the average of a figure, and the range over seeds where it matters."""
    mean, low, high = statistics.mean(figures), min(figures), max(figures)
    cell = f"{figure(mean)}{unit}"
    return cell if high - low <= 0.1 * abs(mean) else f"{cell} ({figure(low)} to {figure(high)})"


def figure(value: float) -> str:
    """Return a number with three digits that count, or more before the point."""
    return f"{value:.0f}" if abs(value) >= 100.0 else f"{value:.3g}"


def milliseconds(runs: Sequence[Result], share: float) -> str:
    """Return a quantile of the first audio."""
    return over_seeds([1000 * run.quantile(share) for run in runs])


POLICY_HEAD = (
    "router", "load", "first audio: 50 %, ms", "99 %", "99.9 %", "late chunks", "refused", "voices loaded a second",
    "used",
)  # fmt: skip


def policies(world: World, replicas: int, loads: Sequence[float], seconds: float) -> Iterator[Row]:
    """Yield a row for each load and router of a fleet."""
    capacity = replicas * world.fleet(1, POLICIES[0]).capacity(world.demand)
    for load in loads:
        for policy in POLICIES:
            runs = world.runs(replicas, policy, load * capacity, seconds)
            yield [
                policy,
                f"{load:.0%}",
                *(milliseconds(runs, share) for share in (0.5, 0.99, 0.999)),
                over_seeds([100 * run.part(LATE, CHUNKS) for run in runs], " %"),
                over_seeds([100 * run.part(REFUSED) for run in runs], " %"),
                over_seeds([run.counters[LOADS] / run.seconds for run in runs]),
                over_seeds([100 * run.utilisation for run in runs], " %"),
            ]


def suffices(world: World, replicas: int, policy: str, rate: float, seconds: float) -> bool:
    """Return whether a fleet meets the goal with every seed."""
    fleet, demand = world.fleet(replicas, policy), world.at(rate)
    for seed in world.seeds:
        run = simulate(fleet, demand, seconds, warm=20.0, seed=seed)
        if not run.quantile(0.99) <= GOAL or run.part(REFUSED) > MOST_REFUSED:
            return False
    return True


def replicas_for(world: World, policy: str, rate: float, seconds: float) -> int | None:
    """Return the fewest replicas that meet the goal, to 3 %; None if four times the work's do not."""
    low = math.floor(rate / world.fleet(1, policy).capacity(world.demand))
    high, most = max(2, math.ceil(1.2 * low)), 4 * max(1, low)
    while not suffices(world, high, policy, rate, seconds):
        if high >= most:
            return None
        low, high = high, min(most, math.ceil(1.4 * high))
    while high - low > max(1, round(0.03 * high)):
        middle = (low + high) // 2
        if suffices(world, middle, policy, rate, seconds):
            high = middle
        else:
            low = middle
    return high


def sizes(world: World, rates: Sequence[float], seconds: float) -> Iterator[Row]:
    """Yield a row for each router: the replicas that loads need, and the part of their threads' time that is used."""
    capacity = world.fleet(1, POLICIES[0]).capacity(world.demand)
    yield ["the work alone", *(f"{rate / capacity:.1f}" for rate in rates)]
    for policy in POLICIES:
        cells = [policy]
        for rate in rates:
            found = replicas_for(world, policy, rate, seconds)
            cells.append("none up to 4 times" if found is None else f"{found} ({rate / capacity / found:.0%})")
        yield cells


def nodes(world: World, replicas: int, lost: Sequence[int], loads: Sequence[float]) -> Iterator[Row]:
    """Yield a row for each size of a node that is lost, and load."""
    capacity = replicas * world.fleet(1, POLICIES[0]).capacity(world.demand)
    for count in lost:
        for load in loads:
            fleet, demand = world.fleet(replicas, "least streams of two"), world.at(load * capacity)
            runs = [simulate(fleet, demand, 40.0, warm=20.0, seed=seed, losses=[(25.0, count)]) for seed in world.seeds]
            yield [
                f"{count} of {replicas}",
                f"{load:.0%}",
                over_seeds([float(run.counters[RESUMES]) for run in runs]),
                over_seeds([float(run.counters[GAPS]) for run in runs]),
                over_seeds([1000 * max(0.0, run.quantile(0.99, "gaps")) for run in runs], " ms"),
                milliseconds(runs, 0.99),
                over_seeds([100 * run.part(REFUSED) for run in runs], " %"),
            ]


def day(world: World, most: int, seconds: float = DAY) -> tuple[list[Row], Result]:
    """Return rows for a day with a fixed number of replicas and with as many as the demand needs; and the latter."""
    capacity = world.fleet(1, POLICIES[0]).capacity(world.demand)
    demand = replace(world.at(0.7 * most * capacity), swing=0.9)
    fleet = replace(world.fleet(most, "least streams of two"), report=2.0)  # a day in a coarser grid
    fixed = simulate(fleet, demand, seconds, warm=0.0)
    small = replace(fleet, replicas=max(2, most // 8))
    scaled = simulate(small, demand, seconds, warm=0.0, scaler=Autoscaler(max(2, most // 8), most))
    hours = sum(step[3] for step in scaled.steps) / 3600
    rows = []
    for name, run, paid in (("fixed", fixed, most * seconds / 3600), ("scaled", scaled, hours)):
        times = [f"{1000 * run.quantile(share):.0f} ms" for share in (0.5, 0.99, 0.999)]
        rows.append([name, str(run.counters[ARRIVED]), f"{paid:.0f}", *times, f"{100 * run.part(REFUSED):.3f} %"])
    return rows, scaled


def large(world: World, replicas: int, load: float, seconds: float, policy: str) -> Iterator[Row]:
    """Yield a row for each minute of one big run, with all minutes before."""
    demand = world.at(load * replicas * world.fleet(1, policy).capacity(world.demand))
    random, took = np.random.default_rng(1), 0.0
    run = Run(world.fleet(replicas, policy), lambda begin, end: demand.arrivals(random, begin, end))
    run.until(10.0)
    run.clear()
    while run.now < 10.0 + seconds:
        span = min(60.0, 10.0 + seconds - run.now)
        part = run.result(span, run.now + span, run.now, clear=False)
        took += part.took
        times = [f"{1000 * part.quantile(share):.0f} ms" for share in (0.5, 0.99, 0.999)]
        counts = [f"{part.counters[ARRIVED] / 1e6:.2f} million", f"{part.counters[CHUNKS] / 1e6:.1f} million"]
        parts = [f"{100 * part.part(LATE, CHUNKS):.4f} %", f"{100 * part.part(REFUSED):.4f} %"]
        yield [policy, f"{load:.0%}", f"{run.now - 10.0:.0f} s", *counts, *times, *parts, f"{took:.0f} s"]
