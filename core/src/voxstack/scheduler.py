"""Many streams on few cores: who computes next, and whether there is room for one more."""

from __future__ import annotations

import functools
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

from voxstack.errors import CapacityError
from voxstack.turns import Turns

T = TypeVar("T")


class Scheduler:
    """Lets at most ``workers`` streams compute at once, and of those that wait first the one whose chunk is missed first
    (earliest deadline first; Liu and Layland, Scheduling algorithms for multiprogramming in a hard-real-time environment,
    JACM 20(1), 1973). A stream has its turn for one chunk.

    One scheduler serves all voices of a process, unless they are given others.

    :param workers: how many compute at once; one for each core that the process may use, unless given.
    :param load: part of the workers' time that streams may ask for, at real time, before one more is refused; None: never.
    :param patience: seconds that a new stream may have to wait for its first audio before it is refused; None: no matter.
    """

    def __init__(self, workers: int | None = None, load: float | None = 0.9, patience: float | None = 2.0) -> None:
        self.workers = workers or len(
            os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
        )
        self.load = load
        self.patience = patience
        self.turns = Turns(self.workers)
        self._lock = threading.Lock()
        self._streams: Counter[str] = Counter()  # by voice: those that run, and those of them without audio yet
        self._silent: Counter[str] = Counter()
        self._costs: dict[str, float] = {}  # by voice: seconds of work for a second of audio, and for the first audio
        self._first_costs: dict[str, float] = {}

    @classmethod
    @functools.cache
    def shared(cls) -> Scheduler:
        """The scheduler of this process."""
        return cls()

    def admit(self, voice: str, deadline: Callable[[], float], refuse: bool = True) -> Ticket:
        """Count a stream of a voice as one of those that run, until it leaves.

        :param deadline: tells when its next chunk is missed, in seconds of any clock that all streams share.
        :param refuse: whether it may be refused; what nobody listens to need not keep up with anything.
        :raises CapacityError: if the others could not keep up any more, or its first audio would come too late.
        """
        with self._lock:
            if refuse:
                self._refuse(voice)
            self._streams[voice] += 1
            self._silent[voice] += 1
        return Ticket(self, voice, deadline)

    @property
    def streams(self) -> int:
        """How many streams run."""
        return self._streams.total()

    def demand(self) -> float:
        """Seconds of work that the streams that run ask for each second, as far as their voices have been measured."""
        return sum(count * self._costs.get(voice, 0.0) for voice, count in list(self._streams.items()))

    def _refuse(self, voice: str) -> None:
        more = self._costs.get(voice, 0.0)
        if self.load is not None and self.streams and self.demand() + more > self.load * self.workers:
            raise CapacityError(
                f"{voice}: {self.streams} streams run, and this machine keeps up with no more ({self.workers} workers at a load of "
                f"{self.load:.0%}, {more:.3f} s of work for a second of this voice); try again when one has ended, or use more cores"
            )
        wait = (
            sum((count + (name == voice)) * self._first_costs.get(name, 0.0) for name, count in self._silent.items())
            / self.workers
        )
        if self.patience is not None and self.streams and wait > self.patience:
            raise CapacityError(
                f"{voice}: {self._silent.total()} streams wait for their first audio, and this one would come after {wait:.1f} s, "
                f"which is more than {self.patience:g} s; try again in a moment"
            )


class Ticket:
    """What one stream takes its turns with, and what it has used.

    ``seconds`` are those for which it has had a turn, on all threads together; ``audio`` those of what it made of them.
    """

    def __init__(self, scheduler: Scheduler, voice: str, deadline: Callable[[], float]) -> None:
        self.turns = scheduler.turns
        self._scheduler, self._voice, self._deadline = scheduler, voice, deadline
        self.seconds = self.audio = 0.0
        self._counted = (0.0, 0.0)  # of these, up to the last chunk
        self._cost = 0.0  # seconds of work for a second of audio, in the last chunk
        self._left = False

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for a turn, and have it as long as the block inside runs, on the calling thread."""
        self.turns.take(self._deadline())
        turn = _Turn(self)
        try:
            with self._counted_in(turn):
                yield
        finally:
            if turn.held:
                self.turns.give_back()

    def submit(self, job: Callable[[], T]) -> Future[T]:
        """Run a job on a thread of the scheduler when its turn comes; whoever asks does not wait."""
        future: Future[T] = Future()
        self.turns.take_for(self._deadline(), lambda: self._work(future, job))
        return future

    def made(self, audio: float) -> None:
        """So many seconds of audio have been made."""
        if not self.audio and audio:
            with self._scheduler._lock:
                self._scheduler._silent[self._voice] -= 1
        self.audio += audio

    def speed(self) -> float:
        """Seconds of audio that the stream can make in a second, if those that wait now get as much time as it; 0: unknown."""
        scheduler = self._scheduler
        cost = max(scheduler._costs.get(self._voice, 0.0), self._cost)
        crowd = 1 + self.turns.wanted / self.turns.workers
        return 1 / (cost * crowd) if cost else 0.0

    def leave(self) -> None:
        """The stream runs no more; said again, this does nothing."""
        scheduler = self._scheduler
        with scheduler._lock:
            if self._left:
                return
            self._left = True
            scheduler._streams[self._voice] -= 1
            if self.audio:
                _blend(scheduler._costs, self._voice, self.seconds / self.audio)
            else:
                scheduler._silent[self._voice] -= 1

    @contextmanager
    def _counted_in(self, turn: _Turn) -> Iterator[None]:
        """Make a turn that was taken known to the code inside, and count it."""
        token, began = _TURN.set(turn), time.perf_counter()
        try:
            yield
        finally:
            _TURN.reset(token)
            self._used(time.perf_counter() - began)
            self._count()

    def _work(self, future: Future[T], job: Callable[[], T]) -> None:
        with self._counted_in(_Turn(self)):
            if future.set_running_or_notify_cancel():
                try:
                    result = job()
                except BaseException as error:
                    future.set_exception(error)
                else:
                    future.set_result(result)

    def _used(self, seconds: float) -> None:
        with self._scheduler._lock:
            self.seconds += seconds

    def _count(self) -> None:
        """Learn from what the turns since the last chunk have cost, if they made one."""
        seconds, audio = self._counted
        if self.audio <= audio:
            return
        self._cost = (self.seconds - seconds) / (self.audio - audio)
        self._counted = self.seconds, self.audio
        if not audio:  # the first has the text and the encoders in it
            with self._scheduler._lock:
                _blend(self._scheduler._first_costs, self._voice, self.seconds)
                self._cost = 0.0 if self._voice in self._scheduler._costs else self._cost


class _Turn:
    """A turn of a stream; ``held`` unless it was given away for a while."""

    def __init__(self, ticket: Ticket) -> None:
        self.ticket = ticket
        self.held = True


_TURN: ContextVar[_Turn | None] = ContextVar("voxstack_turn", default=None)


def current_ticket() -> Ticket | None:
    """The ticket of the stream that has its turn in the calling code, if any."""
    turn = _TURN.get()
    return turn.ticket if turn is not None and turn.held else None


@contextmanager
def waiting() -> Iterator[None]:
    """Give this stream's turn to others while the block inside waits for something and computes nothing."""
    turn = _TURN.get()
    if turn is None or not turn.held:
        yield
        return
    ticket, began = turn.ticket, time.perf_counter()
    turn.held = False
    ticket.turns.give_back()
    try:
        yield
    finally:
        ticket.turns.take(ticket._deadline())
        turn.held = True
        ticket._used(began - time.perf_counter())


def _blend(costs: dict[str, float], voice: str, cost: float) -> None:
    costs[voice] = cost if voice not in costs else 0.9 * costs[voice] + 0.1 * cost
