"""A turn of a stream, as the scheduler of voices grants it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol

from voxstack.errors import DeadlineError
from voxstack.streaming.turn import Turn
from voxstack_voice.deadline_queue import DeadlineQueue
from voxstack_voice.work_clock import work_clock

if TYPE_CHECKING:
    from concurrent.futures import Future


class Account(Protocol):
    """The part of an account that the turns of its stream use; see :class:`voxstack_voice.ticket.Ticket`."""

    queue: DeadlineQueue
    deadline: Callable[[], float]
    cancelled: bool
    timeout: float | None
    failure: DeadlineError | None
    interrupts: list[Callable[[], object]]

    @property
    def newcomer(self) -> bool: ...
    @property
    def crowded(self) -> bool: ...
    def patience(self) -> float: ...
    def refuse(self) -> Exception: ...
    def submit(self, job: Callable[[], object]) -> object: ...
    def watched_turn(self) -> AbstractContextManager[object]: ...


class StreamTurn(Turn):
    """A turn of one stream on one thread.

    ``waited`` is the work clock's seconds that it spent inside :func:`voxstack.waiting`.

    :param future: of the job that runs in it.
    """

    def __init__(self, ticket: Account, future: Future[Any] | None = None) -> None:
        self.ticket = ticket
        self.workers = ticket.queue.workers
        self.interrupts = ticket.interrupts
        self.limited = ticket.timeout is not None
        self.waited = 0.0
        self._queue = ticket.queue
        self._generation = ticket.queue.generation
        self._slot = [True] if future is not None else []  # emptied by the first to give the slot back: pop() is atomic
        self._future = future
        self._released = 0.0

    @property
    def held(self) -> bool:  # type: ignore[override]
        return bool(self._slot)

    @property
    def cancelled(self) -> bool:
        return self.ticket.cancelled

    @property
    def crowded(self) -> bool:
        return self.ticket.crowded

    @property
    def idle(self) -> int:
        return self._queue.free

    @property
    def wanted(self) -> int:
        return self._queue.wanted

    def submit(self, job: Callable[[], object]) -> None:
        self.ticket.submit(job)

    def run(self, job: Callable[[], object]) -> None:
        self._queue.threads.run(job)

    def another(self) -> AbstractContextManager[object]:
        return self.ticket.watched_turn()

    def acquire_first(self) -> None:
        """Block until a worker is free.

        :raises CapacityError: if a new stream waits for longer than its scheduler's patience.
        """
        ticket = self.ticket
        if not self._queue.acquire(ticket.deadline(), ticket.newcomer, ticket.patience()):
            raise ticket.refuse()
        self._slot.append(True)
        self._generation = self._queue.generation

    def release(self) -> None:
        self._released = work_clock()
        self.give_back()

    def acquire(self) -> None:
        self.acquire_first()
        self.waited += max(0.0, work_clock() - self._released)

    def give_back(self) -> None:
        """Give the slot back, unless that was done on some thread, or it belongs to the parent of this process."""
        try:
            self._slot.pop()
        except IndexError:
            return
        if self._generation == self._queue.generation:
            self._queue.release()

    def end(self) -> bool:
        """Keep the slot for the next job; return whether it was given to others meanwhile."""
        try:
            self._slot.pop()
        except IndexError:
            return True
        return False

    def settle(self, result: object = None, error: BaseException | None = None) -> None:
        """Complete the future, unless the stream was given up before."""
        from concurrent.futures import InvalidStateError

        assert self._future is not None, "only a submitted job has a result"
        try:
            if error is None:
                self._future.set_result(result)
            else:
                self._future.set_exception(error)
        except InvalidStateError:
            pass

    def give_up(self, error: BaseException) -> None:
        """Let others have the slot of a thread that hangs, and fail its job."""
        self.give_back()
        if self._future is not None:
            self.settle(error=error)
