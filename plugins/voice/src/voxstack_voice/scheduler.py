"""The scheduler: which of many streams computes next, and whether there is capacity for one more."""

from __future__ import annotations

import functools
import math
import time
from collections import Counter, deque
from collections.abc import Callable
from threading import Lock
from typing import NamedTuple

from voxstack.errors import CapacityError
from voxstack.streaming.forks import renew_after_fork
from voxstack.streaming.tracing import Trace
from voxstack.streaming.turn import available_cores
from voxstack_voice.costs import ChunkCosts, MachineShare, SpeedMeter, learn
from voxstack_voice.deadline_queue import DeadlineQueue
from voxstack_voice.ticket import Departure, Ticket
from voxstack_voice.watchdog import Watchdog

MAX_LATE = 0.15
"""Part of the last chunks that may be late before new streams are refused; two of ten are more."""

LATE_MEMORY = 1.0
"""Seconds after a late chunk in which new streams are refused for that."""

UNSTEADY = 0.85
"""The part of what other programs leave that is counted on: what they take varies."""


class Work(NamedTuple):
    """Work of streams: its seconds on all threads together, and the seconds of audio that it produced."""

    seconds: float
    audio: float


class Scheduler:
    """Lets at most ``workers`` streams compute at once, and next the one whose chunk is late first.

    This is earliest deadline first (Liu and Layland, Scheduling algorithms for multiprogramming in a hard-real-time
    environment, JACM 20(1), 1973), except that new streams wait where they would make those late that play. Streams
    without a listener compute where no other stream waits. A stream holds its turn for one chunk.

    One scheduler serves all voices of a process by default. In a forked child it has no streams.

    Costs are learnt in seconds of work, in which the waits of a thread for a processor do not count; a machine with
    other work has room for fewer streams, as those waits show.

    :param workers: streams that compute at once; by default one for each core that the process may use, and one more,
        as threads wait for Python's lock now and then.
    :param load: part of the workers' time that streams may need at real time before another one is refused; None: no
        limit.
    :param patience: seconds that a new stream may have to wait for its first audio before it is refused; None: no
        limit.
    """

    def __init__(self, workers: int | None = None, load: float | None = 0.9, patience: float | None = 2.0) -> None:
        self.workers = workers or available_cores()
        self.load = load
        self.patience = patience
        self.queue = DeadlineQueue(self.workers, spare=1 if workers is None else 0)
        self.watchdog = Watchdog()
        self.machine = MachineShare()
        self._costs: dict[str, float] = {}  # by voice: seconds of work per second of audio, and for the first audio
        self._first_costs: dict[str, float] = {}
        self._chunk_costs: dict[str, ChunkCosts] = {}
        self._late, self._last_late = 0.0, -math.inf
        self._work: dict[str, Work] = {}
        self.generation = -1
        self.after_fork()
        renew_after_fork(self)

    def after_fork(self) -> None:
        """Forget the streams of the parent: their threads are gone."""
        self.generation += 1
        self._lock = Lock()
        self._running: Counter[str] = Counter()  # admitted streams by voice, and those of them without audio yet
        self._silent: Counter[str] = Counter()
        self._departures: deque[Departure] = deque()

    @classmethod
    @functools.cache
    def shared(cls) -> Scheduler:
        """Return the scheduler of this process."""
        return cls()

    def meter(self, voice: str) -> SpeedMeter:
        """Return a meter for one stream of a voice."""
        return SpeedMeter(self._costs, voice, self.queue, self.machine, self.chunk_costs(voice))

    def chunk_costs(self, voice: str) -> ChunkCosts:
        """Return what the chunks of a voice cost."""
        return self._chunk_costs.setdefault(voice, ChunkCosts())

    @property
    def streams(self) -> int:
        """Number of admitted streams."""
        self._settle()
        return self._running.total()

    def demand(self) -> float:
        """Return the seconds of work per second that the admitted streams need, as far as measured."""
        self._settle()
        return sum(count * self._costs.get(voice, 0.0) for voice, count in list(self._running.items()))

    def work(self) -> dict[str, Work]:
        """Return the work of the streams that have ended, by voice."""
        self._settle()
        return dict(self._work)

    def admit(
        self,
        voice: str,
        deadline: Callable[[], float],
        refuse: bool = True,
        meter: SpeedMeter | None = None,
        live: bool | None = None,
        trace: Trace | None = None,
    ) -> Ticket:
        """Count a stream of a voice as running until its ticket leaves.

        :param deadline: returns when its next chunk is late, in seconds of a clock that all streams share.
        :param refuse: whether the stream may be refused; one without a listener has no deadlines.
        :param meter: measures the speed of the stream.
        :param live: whether it has a listener; by default, whether it may be refused.
        :param trace: records the turns of the stream, if it is an :class:`.EventTrace`.
        :raises CapacityError: if the other streams could not keep up any more, or its first audio would come too late.
        """
        with self._lock:
            self._count_departures()
            if refuse:
                self._check_capacity(voice)
            self._running[voice] += 1
            self._silent[voice] += 1
        is_live = refuse if live is None else live
        if trace is not None:
            from voxstack_voice.traced_ticket import ticket_of  # most streams are not traced

            return ticket_of(trace)(self, voice, deadline, meter or self.meter(voice), is_live, patient=not refuse)
        return Ticket(self, voice, deadline, meter or self.meter(voice), is_live, patient=not refuse)

    def check_capacity(self, voice: str) -> None:
        """Check whether :meth:`admit` would refuse a stream of a voice now.

        :raises CapacityError: if it would.
        """
        with self._lock:
            self._count_departures()
            self._check_capacity(voice)

    def depart(self, departure: Departure) -> None:
        """Count a stream as ended. Waits for no lock: finalizers call it, on any thread and at any allocation."""
        self._departures.append(departure)
        self._settle()

    def _settle(self) -> None:
        """Count the ended streams, unless somebody holds the lock, maybe this very thread: then the next call does."""
        while self._departures and self._lock.acquire(blocking=False):
            try:
                self._count_departures()
            finally:
                self._lock.release()

    def _count_departures(self) -> None:
        """Take out the streams that have ended. Called with the lock held."""
        while self._departures:
            ended = self._departures.popleft()
            if ended.generation != self.generation:  # it was admitted before a fork
                continue
            self._running[ended.voice] -= 1
            before = self._work.get(ended.voice, Work(0.0, 0.0))
            self._work[ended.voice] = Work(before.seconds + ended.seconds, before.audio + ended.audio)
            if not ended.audio:
                self._silent[ended.voice] -= 1
            elif (
                not ended.resumed
            ):  # the text and the encoders, for as little audio as is left, would count as its cost
                learn(self._costs, ended.voice, ended.seconds / ended.audio)

    def first_audio(self, generation: int, voice: str) -> None:
        """Record that a stream has its first audio."""
        with self._lock:
            if generation == self.generation:
                self._silent[voice] -= 1

    def record_chunk(self, late: bool) -> None:
        """Record that a listener received a chunk, and whether late although it was requested in time."""
        self._late += 0.1 * (late - self._late)
        if late:
            self._last_late = time.perf_counter()

    def learn_first_cost(self, voice: str, seconds: float) -> bool:
        """Learn the work of a first chunk, with text and encoders; return whether the voice's cost is known."""
        with self._lock:
            learn(self._first_costs, voice, seconds)
            return voice in self._costs

    def _wait(self, voice: str, demand: float, capacity: float) -> float:
        """Return the seconds until a new stream of a voice has its first audio.

        All that have audio need their chunks in time, so the silent ones have what is left, which is less with each
        that begins. With work ``f`` for the first audio, then ``c`` a second, of each, the part of the capacity ``w``
        that is left shrinks by ``c (w - c n) / f`` a second while ``n`` play.

        :param demand: seconds of work per second of all streams, with the new one.
        :param capacity: seconds of work per second that can be done.
        """
        silent = self._silent + Counter([voice])
        first = sum(count * self._first_costs.get(name, 0.0) for name, count in silent.items())
        later = sum(count * self._costs.get(name, 0.0) for name, count in silent.items())
        after = max(capacity - demand, 0.05 * capacity)  # without a limit of the load, others may wait, too
        before = max(capacity - (demand - later), after)
        return first * (math.log(before / after) / (before - after) if before > 1.001 * after else 1 / before)

    def _check_capacity(self, voice: str) -> None:
        """Raise unless one more stream fits. Called with the lock held."""
        cost, share, streams = self._costs.get(voice, 0.0), self.machine.share, self._running.total()
        demand = cost + sum(count * self._costs.get(name, 0.0) for name, count in self._running.items())
        is_shared = self.machine.crowded
        left = UNSTEADY * share if is_shared else share
        if self.load is not None and streams and demand > self.load * self.workers * left:
            busy = f", of which other programs leave {share:.0%}" if is_shared else ""
            raise CapacityError(
                f"{voice}: {streams} streams run, and this machine keeps up with no more ({self.workers} workers "
                f"at a load of {self.load:.0%}{busy}, {cost:.3f} s of work for a second of this voice); "
                "try again when one has ended, or use more cores",
                "load",
            )
        late = self._late > MAX_LATE and time.perf_counter() - self._last_late < LATE_MEMORY
        if self.load is not None and streams and late:
            raise CapacityError(
                f"{voice}: {streams} streams run, and their audio comes late on this machine now; "
                "try again when one has ended, or use more cores",
                "late",
            )
        wait = self._wait(voice, demand, self.workers * share)
        if self.patience is not None and streams and wait > self.patience:
            raise CapacityError(
                f"{voice}: {self._silent.total()} streams wait for their first audio, and this one would come after "
                f"{wait:.1f} s, which is more than {self.patience:g} s; try again in a moment",
                "patience",
            )
