"""The account of one stream with a scheduler."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

from voxstack.errors import CapacityError, DeadlineError
from voxstack.streaming.turn import CURRENT_TURN
from voxstack_voice.costs import ChunkCosts, MachineShare, SpeedMeter
from voxstack_voice.deadline_queue import DeadlineQueue
from voxstack_voice.stream_turn import StreamTurn
from voxstack_voice.work_clock import work_clock

if TYPE_CHECKING:
    from concurrent.futures import Future

T = TypeVar("T")


class Departure(NamedTuple):
    """The end of a stream that was admitted: in which process, and what it produced in how much work.

    :param resumed: whether its listener had the beginning of the speech: its cost is not that of a whole one.
    """

    generation: int
    voice: str
    seconds: float
    audio: float
    resumed: bool = False


class Deadlines(Protocol):
    """The part of a scheduler that ends chunks; see :class:`voxstack_voice.watchdog.Watchdog`."""

    def watch(self, turn: StreamTurn, timeout: float) -> AbstractContextManager[object]: ...


class Accounts(Protocol):
    """The part of a scheduler that the accounts of streams use; see :class:`voxstack_voice.scheduler.Scheduler`."""

    queue: DeadlineQueue
    machine: MachineShare
    generation: int
    patience: float | None

    @property
    def watchdog(self) -> Deadlines: ...

    def chunk_costs(self, voice: str) -> ChunkCosts: ...
    def depart(self, departure: Departure) -> None: ...
    def first_audio(self, generation: int, voice: str) -> None: ...
    def record_chunk(self, late: bool) -> None: ...
    def learn_first_cost(self, voice: str, seconds: float) -> bool: ...


class Ticket:
    """One stream's account with a scheduler: it takes its turns with it, and is charged for them.

    ``seconds`` is the work of all its turns, on all threads together; ``audio`` the seconds of audio produced in them.
    ``cancelled`` is whether the rest of the stream is unwanted, ``timeout`` the seconds in which a chunk must
    be computed, or None (:mod:`voxstack_voice.watchdog`).

    :param patient: whether it waits for its first turn as long as it takes.
    """

    turn_type: type[StreamTurn] = StreamTurn

    def __init__(
        self,
        scheduler: Accounts,
        voice: str,
        deadline: Callable[[], float],
        meter: SpeedMeter,
        live: bool = True,
        patient: bool = False,
    ) -> None:
        self.deadline = deadline
        self.queue = scheduler.queue
        self.seconds = self.audio = 0.0
        self.cancelled = False
        self.timeout: float | None = None
        self.resumed = False
        """True if its listener has the beginning of the speech."""
        self.failure: DeadlineError | None = None
        """The error of a chunk that took longer than ``timeout``, on whichever thread."""
        self.refusal: CapacityError | None = None
        """The error of a new stream that had to wait for too long."""
        self.interrupts: list[Callable[[], object]] = []
        self._scheduler, self._voice, self._meter, self._live = scheduler, voice, meter, live
        self._patient = patient
        self._watch = scheduler.watchdog.watch
        self._lock = Lock()
        self._charged = (0.0, 0.0)  # seconds and audio up to the last chunk
        self._skipped = False
        self._generation = scheduler.generation
        self._admitted = [True]  # emptied by the first to count the stream as ended: pop() is atomic

    @property
    def newcomer(self) -> bool:
        """Return whether a listener waits for the first audio."""
        return self._live and not self.audio

    @property
    def crowded(self) -> bool:
        """True if other programs use the processor, too."""
        return self._scheduler.machine.crowded

    def patience(self) -> float:
        """Return the seconds for which the stream may wait for a turn; -1: as long as it takes.

        The time before its first audio has no limit by itself: its text may arrive at any time.
        """
        limit = self._scheduler.patience
        return -1 if limit is None or self._patient or not self.newcomer else limit

    def refuse(self) -> CapacityError:
        """Return the error of a stream that has waited for too long, which is refused then."""
        self.refusal = CapacityError(
            f"{self._voice}: this machine keeps up with no more streams than run, and this one waited for "
            f"{self._scheduler.patience:g} s; try again when one has ended, or use more cores",
            "patience",
        )
        return self.refusal

    @contextmanager
    def turn(self) -> Iterator[StreamTurn]:
        """Block until a worker is free, and hold it while the block inside runs on the calling thread."""
        turn = self.turn_type(self)
        turn.acquire_first()
        try:
            with self._charge(turn):
                yield turn
        finally:
            turn.give_back()

    @contextmanager
    def watched_turn(self) -> Iterator[StreamTurn]:
        """Hold a turn, as :meth:`turn` does, for no longer than the stream's timeout."""
        with self.turn() as turn, nullcontext() if self.timeout is None else self._watch(turn, self.timeout):
            yield turn

    def submit(self, job: Callable[[], T]) -> Future[T]:
        """Run a job on a thread of the scheduler when the stream's turn comes, without blocking.

        :raises RuntimeError: if no thread can be started for it now.
        """
        from concurrent.futures import Future  # most programs stream on their own thread

        future: Future[T] = Future()
        self.queue.submit(self.deadline(), lambda: self._work(future, job), self.newcomer)
        return future

    def record_audio(self, seconds: float, late: bool = False) -> None:
        """Record that ``seconds`` of audio were produced, and whether too late for who listens."""
        if self._live:
            self._scheduler.record_chunk(late)
        if not self.audio and seconds:
            self._scheduler.first_audio(self._generation, self._voice)
        self.audio += seconds

    def record_skipped(self) -> None:
        """Record that the turn produced what the listener already has: its cost is not that of audio."""
        self._skipped = True

    def add_seconds(self, seconds: float) -> None:
        """Charge the stream for work."""
        with self._lock:
            self.seconds += seconds

    def speed(self) -> float:
        """Return the seconds of audio that the stream can produce per second; see :meth:`SpeedMeter.speed`."""
        return self._meter.speed()

    def leave(self) -> None:
        """Deregister the stream. Idempotent; waits for no lock, as finalizers call it."""
        try:
            self._admitted.pop()
        except IndexError:
            return
        self._scheduler.depart(Departure(self._generation, self._voice, self.seconds, self.audio, self.resumed))

    @contextmanager
    def _charge(self, turn: StreamTurn) -> Iterator[None]:
        """Make a granted turn the current one of the code inside, and charge its work."""
        newcomer, audio, crowding = self.newcomer, self.audio, self.queue.crowding
        token, began, work = CURRENT_TURN.set(turn), time.perf_counter(), work_clock()
        try:
            yield
        finally:
            CURRENT_TURN.reset(token)
            elapsed = time.perf_counter() - began
            worked = min(max(0.0, work_clock() - work), elapsed)  # more than that passed in a parent of this process
            self.add_seconds(max(worked - turn.waited, 0.01 * (elapsed - turn.waited)))
            waits_for_own = (max(crowding, self.queue.crowding) - 1) * worked
            self._scheduler.machine.observe(worked - turn.waited, elapsed - worked - waits_for_own)
            if self.audio > audio:
                self.queue.learn(max(0.0, elapsed - turn.waited), newcomer)
            self._learn_from_chunk()

    def _work(self, future: Future[T], job: Callable[[], T]) -> bool:
        """Run a submitted job; return whether its slot was taken from it meanwhile."""
        if not future.set_running_or_notify_cancel():
            return False
        turn = self.turn_type(self, future)
        try:
            with self._charge(turn):
                result = job()
        except BaseException as error:
            taken = turn.end()
            turn.settle(error=error)
        else:
            taken = turn.end()
            turn.settle(result)  # last: the caller that it wakes reads the cost of the turn
        return taken

    def _learn_from_chunk(self) -> None:
        """Learn the cost of the turns since the last chunk, if they produced one."""
        if self._skipped:
            self.seconds, self._skipped = 0.0, False
        seconds, audio = self._charged
        if self.audio <= audio:
            return
        self._meter.cost = (self.seconds - seconds) / (self.audio - audio)
        if audio:
            self._scheduler.chunk_costs(self._voice).learn(self.audio - audio, self.seconds - seconds)
        self._charged = self.seconds, self.audio
        # The first chunk includes the text processing and the encoders.
        if not audio and self._scheduler.learn_first_cost(self._voice, self.seconds):
            self._meter.cost = 0.0
