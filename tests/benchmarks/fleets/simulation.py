"""A fleet over time: demand, retries, lost nodes, replicas that come and go, and the figures of a run."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from fleets.costs import Replica, VoiceCosts
from fleets.demand import Demand
from fleets.routing import POLICIES, run_window, slot_of
from fleets.scaling import Autoscaler, Members
from fleets.state import (
    ARRIVED,
    BIN,
    LEAST_TIME,
    State,
    new_state,
)

OPTIONS = {"voices first": 3.0, "bounded hashing": 1.25}
"""Streams a worker at which others than those that have the voice are chosen; and the bound, of the average."""


@dataclass(frozen=True)
class Fleet:
    """Replicas, their voices, and their router.

    :param kinds: costs of voices; the voices of the demand have them in turns.
    :param slots: voices that fit into the memory of a replica.
    :param report: seconds between two reports of demand to the router.
    """

    replicas: int
    replica: Replica
    kinds: Sequence[VoiceCosts]
    policy: str = "least streams of two"
    slots: int = 8
    report: float = 0.5
    attempts: int = 3
    sentence: float = 10.0
    option: float | None = None

    def state(self, voices: int, seed: int, limit: int | None = None) -> State:
        """Return the fleet, idle; ``limit`` are the most replicas that it may have."""
        kinds = np.arange(voices) % len(self.kinds)
        return new_state(
            limit or self.replicas,
            self.replica,
            self.kinds,
            kinds,
            slots=min(self.slots, voices),
            attempts=self.attempts,
            sentence=self.sentence,
            seed=seed,
        )

    def capacity(self, demand: Demand) -> float:
        """Return about the requests a second for which the threads of one replica suffice, with loaded voices."""
        return speed(self.replica) / float(np.mean([kind.stream(demand.mean()) for kind in self.kinds]))


def speed(replica: Replica) -> float:
    """Return the work a second of a replica all of whose threads compute."""
    return float(replica.rates()[-1] * (replica.workers + replica.spare))


@dataclass
class Result:
    """The figures of a run, in seconds and counts."""

    counters: np.ndarray
    first: np.ndarray
    gaps: np.ndarray
    seconds: float
    utilisation: float
    running: int
    took: float
    steps: list[tuple[float, float, int, int]] = field(default_factory=list)
    """Time, rate, and replicas that accept streams and that are paid for."""

    def quantile(self, share: float, of: str = "first") -> float:
        """Return the time below which a share of the first audio, or of the gaps, lies; NaN if there was none."""
        counts = np.cumsum(self.first if of == "first" else self.gaps)
        if not counts[-1]:
            return math.nan
        return float(LEAST_TIME * math.exp(BIN * (np.searchsorted(counts, share * counts[-1]) + 0.5)))

    def part(self, counter: int, of: int = ARRIVED) -> float:
        """Return a counter as a part of another."""
        return float(self.counters[counter] / max(1, self.counters[of]))


class Run:
    """One run of a fleet: windows of time, in which the replicas run as arrays.

    :param popularity: of the voices; each replica begins with some that are drawn by it.
    :param losses: when nodes are lost, and the replicas on each.
    """

    def __init__(
        self,
        fleet: Fleet,
        arrivals: Callable[[float, float], np.ndarray],
        popularity: Sequence[float] = (1.0,),
        seed: int = 1,
        scaler: Autoscaler | None = None,
        losses: Sequence[tuple[float, int]] = (),
    ) -> None:
        self.fleet, self.arrivals, self.scaler = fleet, arrivals, scaler
        self.state = fleet.state(len(popularity), seed, scaler and scaler.most)
        self.members = Members(self.state, np.random.default_rng([seed, 3]))
        self.members.limit(fleet.replicas)
        for r in range(fleet.replicas):
            for voice in self._voices(popularity):
                slot_of(self.state, r, int(voice), -1e3)
        self.steps: list[tuple[float, float, int, int]] = []
        self._losses, self._due, self.now = sorted(losses), np.zeros((0, 8)), 0.0
        self._policy = POLICIES.index(fleet.policy)
        self._option = OPTIONS.get(fleet.policy, 0.0) if fleet.option is None else fleet.option

    def _voices(self, popularity: Sequence[float]) -> np.ndarray:
        count = self.state.loaded.shape[1]
        return self.members.random.choice(len(popularity), count, replace=False, p=popularity)

    def until(self, end: float) -> None:
        """Simulate until a time."""
        while self.now < end - 1e-9:
            begin, self.now = self.now, min(end, self.now + self.fleet.report)
            self._window(begin, self.now)

    def clear(self) -> None:
        """Count from now on; the streams that run are counted as arrivals."""
        self.state.counters[:], self.state.times[:], self.state.busy[:] = 0, 0, 0.0
        self.state.counters[ARRIVED] = self.running()

    def result(self, seconds: float, end: float, warm: float = 0.0, clear: bool = True) -> Result:
        """Return the figures of ``seconds`` after ``warm`` ones, all of whose streams may end until ``end``.

        :param clear: whether the seconds before are left out.
        """
        began, s = time.process_time(), self.state
        self.until(warm)
        if clear:
            self.clear()
        self.until(warm + seconds)
        used = s.busy.sum() / (s.count[0] * seconds * s.numbers[0])
        arrivals, self.arrivals = self.arrivals, lambda begin, end: np.zeros((0, 8))
        self.until(end)
        self.arrivals = arrivals
        return Result(
            s.counters.copy(), s.times[0].copy(), s.times[1].copy(), seconds, float(used), self.running(),
            time.process_time() - began, self.steps,
        )  # fmt: skip

    def running(self) -> int:
        """Return the streams that have neither ended nor been refused, with those that will try again."""
        return int(self.state.number[:, 1:].sum() + len(self._due) + self.state.count[3])

    def _window(self, begin: float, end: float) -> None:
        s = self.state
        fresh = self.arrivals(begin, end)
        held, s.count[3] = s.retries[: s.count[3]].copy(), 0
        waiting = np.concatenate([self._due, held])
        now = waiting[:, 0] < end
        self._due = waiting[~now]
        found = np.concatenate([fresh, waiting[now]])
        found[:, 0] = np.maximum(found[:, 0], begin)
        run_window(s, found[np.argsort(found[:, 0], kind="stable")], end, self._policy, self._option)
        self.members.step(end)
        while self._losses and self._losses[0][0] <= end:
            count = self._losses.pop(0)[1]
            self._due = np.concatenate([self._due, self.members.lose(self.members.alive()[:count], end)])
        self._report(end - begin)
        if self.scaler:
            self._scale(fresh, end, end - begin)

    def _report(self, seconds: float) -> None:
        """Let the replicas report their demand to the router."""
        s = self.state
        s.numbers[9] = s.number[:, 1:].sum() / s.count[0]
        if self.fleet.policy == "least busy of two":
            s.seen[:] = (s.busy - self._busy) if hasattr(self, "_busy") else 0.0
            self._busy = s.busy.copy()
        else:
            s.seen[:] = (s.admitted * s.costs).sum(axis=1)

    def _scale(self, fresh: np.ndarray, now: float, seconds: float) -> None:
        assert self.scaler is not None
        costs = np.array([kind.stream(6.0) / 6.0 for kind in self.fleet.kinds])
        work = (fresh[:, 3] * costs[self.state.kinds[fresh[:, 2].astype(int)]]).sum() / seconds
        self.scaler.step(self.members, now, work, speed(self.fleet.replica), seconds)
        self.steps.append((now, len(fresh) / seconds, int(self.state.count[0]), self.members.paid()))


def simulate(
    fleet: Fleet,
    demand: Demand,
    seconds: float,
    *,
    warm: float = 10.0,
    tail: float = 10.0,
    seed: int = 1,
    scaler: Autoscaler | None = None,
    losses: Sequence[tuple[float, int]] = (),
) -> Result:
    """Simulate a fleet under a demand.

    :param warm: seconds before those that count, and ``tail`` after them, in which streams end.
    """
    random = np.random.default_rng([seed, 5])
    run = Run(
        fleet, lambda begin, end: demand.arrivals(random, begin, end), tuple(demand.popularity()), seed, scaler, losses
    )
    return run.result(seconds, warm + seconds + tail, warm)
