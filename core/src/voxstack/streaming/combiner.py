"""Jobs of concurrent callers, run in common batches on the thread of one of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from threading import Lock
from typing import Generic, TypeVar

from voxstack.streaming.forks import renew_after_fork
from voxstack.streaming.turn import CURRENT_TURN, check_cancelled, waiting

_CHECK = 0.1  # seconds between two looks at whether a stream with a timeout is still wanted


class Job(ABC):
    """The work of one caller; a caller may reuse it for its next call."""

    rows: int = 1
    """Its share of a batch."""

    def __init__(self) -> None:
        self.leads = self.gone = False
        self.batch: list[Job] = []  # while it leads: the jobs that run on its thread, itself among them
        self.woken = Lock()  # released when the job is done, or when it has become the leader
        self.woken.acquire()

    @property
    @abstractmethod
    def key(self) -> object:
        """A value that is equal for jobs that fit into one batch."""

    @property
    @abstractmethod
    def done(self) -> bool:
        """True if the caller may go on."""


J = TypeVar("J", bound=Job)


class Combiner(ABC, Generic[J]):
    """Runs the jobs of concurrent callers in common batches, without a thread of its own.

    A caller whose job starts at once is the leader of a batch: it runs the batch on its own thread, round after round,
    until its own job is done. Other callers release their turns and wait; before each round the leader takes in the
    oldest waiting jobs that fit, and after it lets the callers of finished jobs go. A leader that leaves hands over to
    the oldest waiting job. No caller waits for more jobs to arrive, and no job outlives its caller. An exception that
    interrupts a caller, such as KeyboardInterrupt, withdraws its job.

    :param max_rows: rows of a batch.
    :param lanes: batches that run at the same time.
    """

    def __init__(self, max_rows: int, lanes: int = 1) -> None:
        self.max_rows, self.lanes = max_rows, lanes
        self.arrived = False
        """True if a job has started waiting since the last round began."""
        self.after_fork()
        renew_after_fork(self)

    def after_fork(self) -> None:
        """Forget all jobs: the threads of their callers are gone."""
        self._lock = Lock()  # held while jobs move between the lists, never while a batch runs
        self._running = 0  # leaders, including those that wait for their turn
        self._waiting: list[J] = []  # the oldest first, without leaders and the jobs in their batches

    @abstractmethod
    def run(self, batch: list[J]) -> None:
        """Run one round of a batch, the leader's job first, until a job is done or ``arrived`` is true.

        Record errors in the jobs, so that each caller raises its own.
        """

    def gather(self) -> None:
        """Do what a leader does before it takes in the first jobs; it may wait for its turn."""

    def starts(self, job: J) -> bool:
        """Return whether a job runs at once. Called with the lock held."""
        return self._running < self.lanes

    def __call__(self, job: J) -> None:
        """Return when the job is done."""
        try:
            if not self._arrive(job):  # ``job.leads`` may have changed since: a leader that left may have handed over
                with waiting():
                    _wait(job.woken)
            if job.leads:
                self.gather()
                while not job.done:
                    self.run(self._join(job))
                    self._settle(job)
        finally:
            self._leave(job)

    def _arrive(self, job: J) -> bool:
        """Start a job as a leader and return True, or let it wait and return False."""
        with self._lock:
            job.gone = False
            job.leads = self.starts(job)
            if job.leads:
                self._running += 1
                job.batch = [job]
                return True
            self._waiting.append(job)
            self.arrived = True
            return False

    def _join(self, leader: J) -> list[J]:
        """Add the oldest waiting jobs that fit to the leader's batch, and return it."""
        with self._lock:
            batch: list[J] = [*leader.batch]  # type: ignore[list-item]
            others: list[J] = []
            key, rows = leader.key, sum(job.rows for job in batch)
            for job in self._waiting:
                fits = rows + job.rows <= self.max_rows and job.key == key
                (batch if fits else others).append(job)
                rows += job.rows if fits else 0
            self._waiting, self.arrived = others, False
            leader.batch = [*batch]
        return batch

    def _settle(self, leader: J) -> None:
        """Take finished and withdrawn jobs out of the batch, and only then wake their callers.

        A caller that wakes may come back with the same job at once.
        """
        with self._lock:
            finished = [job for job in leader.batch if job.done and job is not leader]
            leader.batch = [job for job in leader.batch if job is leader or not (job.done or job.gone)]
        for job in finished:
            job.woken.release()

    def _leave(self, job: J) -> None:
        """Let the caller go; a leader puts the rest of its batch back and hands over to the oldest waiting job."""
        if not job.leads and job.done:
            return
        with self._lock:
            job.gone = True
            if not job.leads:
                self._waiting = [other for other in self._waiting if other is not job]
                return
            rest: list[J] = [other for other in job.batch if other is not job]  # type: ignore[misc]
            waiting_jobs = [other for other in rest if not (other.done or other.gone)] + self._waiting
            count = 1 if waiting_jobs and self._running <= self.lanes else 0
            following, self._waiting = waiting_jobs[:count], waiting_jobs[count:]
            self._running += count - 1
            job.leads, job.batch = False, []
            for other in following:
                other.leads, other.batch = True, [other]
            woken = following + [other for other in rest if other.done]
        for other in woken:
            other.woken.release()


def _wait(woken: Lock) -> None:
    """Wait until a job is done or leads; a stream with a timeout does not wait for a leader that hangs.

    :raises CancelledError: if the stream has missed its deadline.
    """
    turn = CURRENT_TURN.get()
    if turn is None or not turn.limited:
        woken.acquire()
        return
    while not woken.acquire(timeout=_CHECK):
        check_cancelled()
