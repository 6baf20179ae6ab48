"""The scheduler: which of many streams computes next, and whether there is capacity for one more."""

from __future__ import annotations

import functools
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

from voxstack.errors import CapacityError
from voxstack.streaming.turn import CURRENT_TURN, Turn, available_cores
from voxstack_voice.costs import SpeedMeter, learn
from voxstack_voice.deadline_queue import DeadlineQueue

if TYPE_CHECKING:
    from concurrent.futures import Future

T = TypeVar("T")


class Scheduler:
    """Lets at most ``workers`` streams compute at once, and next the one whose chunk is late first.

    This is earliest deadline first (Liu and Layland, Scheduling algorithms for multiprogramming in a hard-real-time
    environment, JACM 20(1), 1973). A stream holds its turn for one chunk.

    One scheduler serves all voices of a process by default.

    :param workers: streams that compute at once; by default one for each core that the process may use.
    :param load: part of the workers' time that streams may need at real time before another one is refused; None: no
        limit.
    :param patience: seconds that a new stream may have to wait for its first audio before it is refused; None: no
        limit.
    """

    def __init__(self, workers: int | None = None, load: float | None = 0.9, patience: float | None = 2.0) -> None:
        self.workers = workers or available_cores()
        self.load = load
        self.patience = patience
        self.queue = DeadlineQueue(self.workers)
        self._lock = Lock()
        self._running: Counter[str] = Counter()  # admitted streams by voice, and those of them without audio yet
        self._silent: Counter[str] = Counter()
        self._costs: dict[str, float] = {}  # by voice: seconds of work per second of audio, and for the first audio
        self._first_costs: dict[str, float] = {}

    @classmethod
    @functools.cache
    def shared(cls) -> Scheduler:
        """Return the scheduler of this process."""
        return cls()

    def meter(self, voice: str) -> SpeedMeter:
        """Return a meter for one stream of a voice."""
        return SpeedMeter(self._costs, voice, self.queue)

    @property
    def streams(self) -> int:
        """Number of admitted streams."""
        return self._running.total()

    def demand(self) -> float:
        """Return the seconds of work per second that the admitted streams need, as far as measured."""
        return sum(count * self._costs.get(voice, 0.0) for voice, count in list(self._running.items()))

    def admit(
        self, voice: str, deadline: Callable[[], float], refuse: bool = True, meter: SpeedMeter | None = None
    ) -> Ticket:
        """Count a stream of a voice as running until its ticket leaves.

        :param deadline: returns when its next chunk is late, in seconds of a clock that all streams share.
        :param refuse: whether the stream may be refused; one without a listener has no deadlines.
        :param meter: measures the speed of the stream.
        :raises CapacityError: if the other streams could not keep up any more, or its first audio would come too late.
        """
        with self._lock:
            if refuse:
                self._check_capacity(voice)
            self._running[voice] += 1
            self._silent[voice] += 1
        return Ticket(self, voice, deadline, meter or self.meter(voice))

    def _check_capacity(self, voice: str) -> None:
        cost = self._costs.get(voice, 0.0)
        if self.load is not None and self.streams and self.demand() + cost > self.load * self.workers:
            raise CapacityError(
                f"{voice}: {self.streams} streams run, and this machine keeps up with no more ({self.workers} workers "
                f"at a load of {self.load:.0%}, {cost:.3f} s of work for a second of this voice); "
                "try again when one has ended, or use more cores"
            )
        silent = [(name, count + (name == voice)) for name, count in self._silent.items()]
        wait = sum(count * self._first_costs.get(name, 0.0) for name, count in silent) / self.workers
        if self.patience is not None and self.streams and wait > self.patience:
            raise CapacityError(
                f"{voice}: {self._silent.total()} streams wait for their first audio, and this one would come after "
                f"{wait:.1f} s, which is more than {self.patience:g} s; try again in a moment"
            )


class Ticket:
    """One stream's account with a scheduler: it takes its turns with it, and is charged for them.

    ``seconds`` is the time of all its turns, on all threads together; ``audio`` the seconds of audio produced in them.

    """

    def __init__(self, scheduler: Scheduler, voice: str, deadline: Callable[[], float], meter: SpeedMeter) -> None:
        self.deadline = deadline
        self.queue = scheduler.queue
        self.seconds = self.audio = 0.0
        self._scheduler, self._voice, self._meter = scheduler, voice, meter
        self._charged = (0.0, 0.0)  # seconds and audio up to the last chunk
        self.cancelled = False
        self.timeout: float | None = None
        self.interrupts: list[Callable[[], object]] = []
        self._left = False

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Block until a worker is free, and hold it while the block inside runs on the calling thread."""
        self.queue.acquire(self.deadline())
        turn = StreamTurn(self)
        try:
            with self._charge(turn):
                yield
        finally:
            if turn.held:
                self.queue.release()

    def submit(self, job: Callable[[], T]) -> Future[T]:
        """Run a job on a thread of the scheduler when the stream's turn comes, without blocking."""
        from concurrent.futures import Future  # most programs stream on their own thread

        future: Future[T] = Future()
        self.queue.submit(self.deadline(), lambda: self._work(future, job))
        return future

    def record_audio(self, seconds: float) -> None:
        """Record that ``seconds`` of audio were produced."""
        if not self.audio and seconds:
            with self._scheduler._lock:
                self._scheduler._silent[self._voice] -= 1
        self.audio += seconds

    def speed(self) -> float:
        """Return the seconds of audio that the stream can produce per second; see :meth:`SpeedMeter.speed`."""
        return self._meter.speed()

    def leave(self) -> None:
        """Deregister the stream. Idempotent."""
        scheduler = self._scheduler
        with scheduler._lock:
            if self._left:
                return
            self._left = True
            scheduler._running[self._voice] -= 1
            if self.audio:
                learn(scheduler._costs, self._voice, self.seconds / self.audio)
            else:
                scheduler._silent[self._voice] -= 1

    @contextmanager
    def _charge(self, turn: StreamTurn) -> Iterator[None]:
        """Make a granted turn the current one of the code inside, and charge its time."""
        token, began = CURRENT_TURN.set(turn), time.perf_counter()
        try:
            yield
        finally:
            CURRENT_TURN.reset(token)
            self.add_seconds(time.perf_counter() - began)
            self._learn_from_chunk()

    def _work(self, future: Future[T], job: Callable[[], T]) -> None:
        if not future.set_running_or_notify_cancel():
            return
        try:
            with self._charge(StreamTurn(self)):
                result = job()
        except BaseException as error:
            future.set_exception(error)
        else:
            future.set_result(result)  # last: the caller that it wakes reads the cost of the turn

    def add_seconds(self, seconds: float) -> None:
        """Charge the stream for computing time; negative seconds are a refund."""
        with self._scheduler._lock:
            self.seconds += seconds

    def _learn_from_chunk(self) -> None:
        """Learn the cost of the turns since the last chunk, if they produced one."""
        seconds, audio = self._charged
        if self.audio <= audio:
            return
        self._meter.cost = (self.seconds - seconds) / (self.audio - audio)
        self._charged = self.seconds, self.audio
        if not audio:  # the first chunk includes the text processing and the encoders
            with self._scheduler._lock:
                learn(self._scheduler._first_costs, self._voice, self.seconds)
                if self._voice in self._scheduler._costs:
                    self._meter.cost = 0.0


class StreamTurn(Turn):
    """A turn of one stream on one thread."""

    def __init__(self, ticket: Ticket) -> None:
        self.ticket = ticket
        self.held = True
        self.workers = ticket.queue.workers
        self.interrupts = ticket.interrupts
        self.limited = ticket.timeout is not None
        self._released = 0.0

    @property
    def cancelled(self) -> bool:
        return self.ticket.cancelled

    @property
    def idle(self) -> int:
        return self.ticket.queue.idle

    @property
    def wanted(self) -> int:
        return self.ticket.queue.wanted

    def submit(self, job: Callable[[], object]) -> None:
        self.ticket.submit(job)

    def run(self, job: Callable[[], object]) -> None:
        self.ticket.queue.run(job)

    def another(self) -> AbstractContextManager[None]:
        return self.ticket.turn()

    def release(self) -> None:
        self._released = time.perf_counter()
        self.held = False
        self.ticket.queue.release()

    def acquire(self) -> None:
        self.ticket.queue.acquire(self.ticket.deadline())
        self.held = True
        self.ticket.add_seconds(self._released - time.perf_counter())
