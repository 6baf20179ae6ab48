"""Replicas that come and go: with the demand, and with lost nodes."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from fleets.replica import advance
from fleets.routing import forget_home
from fleets.state import (
    A_ASKED,
    A_ATTEMPT,
    A_AUDIO,
    A_RUNS_OUT,
    A_SKIP,
    A_STOP,
    A_TIME,
    A_VOICE,
    AHEAD,
    ASKED,
    ATTEMPT,
    CHUNK,
    FIRST,
    LEFT,
    LONG,
    RESUMES,
    RUNS_OUT,
    SENTENCE,
    STOP,
    VOICE,
    State,
)  # fmt: skip

DETECTED, REPLACED, STARTS = 0.3, 5.0, (15.0, 22.0)
"""Seconds until the clients of a lost node request the rest elsewhere, until it is replaced, and that a start takes."""


@dataclass
class Members:
    """The replicas of a fleet: those that accept streams, that start, that drain, and that do not exist."""

    state: State
    random: np.random.Generator
    starting: list[tuple[float, int]] = field(default_factory=list)
    draining: list[int] = field(default_factory=list)
    absent: list[int] = field(default_factory=list)

    def limit(self, count: int) -> None:
        """Let the first ``count`` replicas exist, and no other."""
        self.absent = list(range(len(self.state.alive) - 1, count - 1, -1))
        self._set(list(range(count)))

    def alive(self) -> list[int]:
        """Return the replicas that accept streams."""
        return [int(r) for r in self.state.alive[: self.state.count[0]]]

    def paid(self) -> int:
        """Return the number of replicas that exist."""
        return int(self.state.count[0]) + len(self.starting) + len(self.draining)

    def start(self, count: int, now: float, delay: float = 0.0) -> None:
        """Start replicas, as far as there may be more."""
        for _ in range(min(count, len(self.absent))):
            self.starting.append((now + delay + self.random.uniform(*STARTS), self.absent.pop()))

    def drain(self, count: int) -> None:
        """Let replicas end their streams and accept no more; one remains."""
        alive = self.alive()
        count = min(count, len(alive) - 1)
        self.draining += alive[len(alive) - count :]
        self._set(alive[: len(alive) - count])

    def step(self, now: float) -> None:
        """Let those that have started accept streams, and those that are drained end."""
        begun = [r for due, r in self.starting if due <= now]
        if begun:
            self.starting = [(due, r) for due, r in self.starting if due > now]
            for r in begun:
                self.state.clock[r] = now
            self._set(self.alive() + begun)
        for r in list(self.draining):
            advance(self.state, r, now)
            if not self.state.number[r, 1:].any():
                self.draining.remove(r)
                self._reset(r)

    def lose(self, lost: list[int], now: float) -> np.ndarray:
        """End replicas that accept streams at once; return what their clients request then, of others."""
        s, found = self.state, []
        for r in lost:
            running = [int(place) for place in s.run[r, : s.number[r, 1]]]
            for place in running + [int(place) for place in s.wait[r, : s.number[r, 2]]]:
                found.append(resumed(s.streams[r, place], place in running, now))
            s.number[r, 1:], s.number[r, 0] = 0, s.free.shape[1]
            s.free[r] = np.arange(s.free.shape[1])
            s.admitted[r], s.silent[r], s.users[r], s.due[r] = 0, 0, 0, math.inf
            self._reset(r)
        self._set([r for r in self.alive() if r not in set(lost)])
        self.start(len(lost), now, REPLACED)
        s.counters[RESUMES] += sum(row[A_SKIP] >= 0.0 for row in found)
        return np.array(found).reshape(-1, 8)

    def _reset(self, r: int) -> None:
        for slot in range(self.state.loaded.shape[1]):
            if self.state.loaded[r, slot] >= 0:
                forget_home(self.state, r, slot)
        self.absent.append(r)

    def _set(self, alive: list[int]) -> None:
        self.state.alive[: len(alive)] = alive
        self.state.count[0] = len(alive)


def resumed(one: np.ndarray, runs: bool, now: float) -> np.ndarray:
    """Return the request for the rest of a stream whose replica was lost; its sentence is computed again."""
    row = np.zeros(8)
    row[A_TIME], row[A_ASKED], row[A_VOICE], row[A_STOP] = now + DETECTED, one[ASKED], one[VOICE], one[STOP]
    row[A_AUDIO], row[A_ATTEMPT], row[A_SKIP] = one[LEFT], one[ATTEMPT] + 1, -1.0
    if one[FIRST] >= 0.0 or runs:
        row[A_AUDIO] += one[AHEAD] + (one[CHUNK] if runs else 0.0)
    if one[FIRST] >= 0.0:
        heard = max(0.0, min(one[LONG], one[LONG] - one[SENTENCE]) - row[A_AUDIO] + one[LEFT])
        row[A_SKIP], row[A_RUNS_OUT], row[A_ATTEMPT] = heard, one[RUNS_OUT], 1
    return row


@dataclass
class Autoscaler:
    """Adds and drains replicas by the work that is requested per second.

    :param target: part of the threads' time that the work may take.
    :param up: seconds for which there must have been too few replicas, and ``down`` too many.
    """

    least: int
    most: int
    target: float = 0.7
    up: float = 5.0
    down: float = 60.0
    work: float = 0.0
    _few: float = 0.0
    _many: float = 0.0

    def step(self, members: Members, now: float, work: float, speed: float, seconds: float) -> None:
        """Observe the work per second of the last seconds, and that of a replica; change the number of replicas."""
        self.work += min(1.0, seconds / 5.0) * (work - self.work)
        wanted = min(self.most, max(self.least, math.ceil(self.work / (self.target * speed))))
        there = int(members.state.count[0]) + len(members.starting)
        self._few = self._few + seconds if wanted > there else 0.0
        self._many = self._many + seconds if wanted < there else 0.0
        if self._few >= self.up:
            members.start(wanted - there, now)
            self._few = 0.0
        elif self._many >= self.down and not members.starting:
            members.drain(there - wanted)
            self._many = 0.0
