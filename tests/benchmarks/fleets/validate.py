"""The simulation beside real streams with the same arrivals.

The real system is measured in the same run: the audio a second of a burst, before and after each run of arrivals,
sets the share of the cores that the simulation has; the first audio of a stream alone sets the seconds outside the
scheduler.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from concurrency import Listener
from measure import percentile

from fleets.costs import Replica, VoiceCosts
from fleets.demand import fixed
from fleets.real import Runs, burst_speed, lone_first
from fleets.simulation import Fleet, Result, Run
from fleets.state import CHUNKS, LATE, REFUSED

BURST = 16
LOADS = (0.5, 0.7, 0.85, 1.0, 1.2)


@dataclass(frozen=True)
class Model:
    """The simulation of a small system, whose streams all have the same audio.

    :param audio: seconds of a stream.
    """

    costs: VoiceCosts
    replica: Replica
    audio: float
    replicas: int = 1
    policy: str = "round robin"

    def run(self, times: Sequence[float]) -> Result:
        """Return the figures of streams that arrive at these seconds."""
        found = fixed(np.asarray(times, float) + 1e-6, self.audio)
        fleet = Fleet(
            self.replicas, self.replica, [replace(self.costs, load=0.0, load_work=0.0)], self.policy, attempts=1
        )
        fleet = replace(fleet, sentence=self.audio + 1.0)

        def arrivals(begin: float, end: float) -> np.ndarray:
            return found[(found[:, 0] >= begin) & (found[:, 0] < end)]

        run = Run(fleet, arrivals)
        last = float(found[-1, 0]) + 0.5
        return run.result(last, last + 60.0)

    def burst_speed(self, count: int) -> float:
        """Return the seconds of audio a second of streams that begin at once."""
        free = replace(self.replica, load=math.inf, patience=math.inf)
        run = Run(Fleet(self.replicas, free, [self.costs], self.policy, report=0.01, sentence=60.0), _none)
        run.arrivals = lambda begin, end: fixed(np.full(count if begin == 0.0 else 0, 1e-6), self.audio)
        run.until(0.01)
        while run.running():
            run.until(run.now + 0.01)
        return count * self.audio / run.now

    def scaled(self, speed: float, count: int) -> Model:
        """Return the model with the share of the cores at which a burst has this speed."""
        share = 1.0
        for _ in range(4):  # chunks depend a little on the share
            trial = replace(self, replica=replace(self.replica, share=share))
            share *= speed / trial.burst_speed(count)
        return replace(self, replica=replace(self.replica, share=share))

    def with_overhead(self, first: float) -> Model:
        """Return the model whose stream alone has its first audio after as many seconds."""
        bare = replace(self, replica=replace(self.replica, overhead=0.0))
        alone = bare.run([0.0]).quantile(0.5)
        return replace(self, replica=replace(self.replica, overhead=max(0.0, first - alone)))


def _none(begin: float, end: float) -> np.ndarray:
    return fixed(np.zeros(0), 1.0)


@dataclass
class Compared:
    """What was measured and simulated at one load, with all rounds together."""

    load: float
    real: list[Listener]
    simulated: list[Result]
    shares: list[float]

    def cells(self) -> list[str]:
        """Return a row of the table."""
        firsts = [one.first for one in self.real if one.first is not None]
        merged = Result(
            np.sum([one.counters for one in self.simulated], axis=0),
            np.sum([one.first for one in self.simulated], axis=0),
            np.sum([one.gaps for one in self.simulated], axis=0),
            0.0, 0.0, 0, 0.0,
        )  # fmt: skip
        cells = [f"{self.load:.0%}", str(len(self.real)), f"{statistics.median(self.shares):.2f}"]
        for share in (0.5, 0.99):
            real, guess = percentile(firsts, share), merged.quantile(share)
            cells.append(f"{1000 * real:.1f}, {1000 * guess:.1f} ms: {guess / real - 1:+.0%}")
        refused = sum(one.refused is not None for one in self.real)
        cells.append(f"{refused}, {merged.counters[REFUSED]}")
        chunks = sum(one.chunks for one in self.real)
        late = sum(one.stalls for one in self.real)
        cells.append(f"{late} of {chunks}, {merged.counters[LATE]} of {merged.counters[CHUNKS]}")
        return cells


def poisson(rate: float, seconds: float, seed: int) -> np.ndarray:
    """Return the times of random arrivals."""
    random = np.random.default_rng(seed)
    return np.sort(random.uniform(0.0, seconds, random.poisson(rate * seconds)))


def compare(
    limited: Runs, unlimited: Runs, model: Model, seconds: float, rounds: int, loads: Sequence[float] = LOADS
) -> list[Compared]:
    """Run real streams, at parts of the speed of a burst, and simulate those with the same arrivals."""
    found = [Compared(load, [], [], []) for load in loads]
    burst = BURST * model.replicas
    capacity = statistics.median(burst_speed(unlimited, burst) for _ in range(5))
    for number in range(rounds):
        for row in found:
            before, first = burst_speed(unlimited, burst), lone_first(unlimited, 5)
            times = poisson(row.load * capacity / model.audio, seconds, 100 * number + round(100 * row.load))
            row.real += limited(times)
            after = burst_speed(unlimited, burst)
            fitted = model.scaled(math.sqrt(before * after), burst).with_overhead(first)
            row.shares.append(fitted.replica.share)
            row.simulated.append(fitted.run(times))
    return found


HEAD = ("load", "streams", "cores", "median first audio: real, simulated", "99 %", "refused", "late chunks")
