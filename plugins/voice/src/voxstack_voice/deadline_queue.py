"""The queue of threads and jobs that wait for a worker, in order of their deadlines."""

from __future__ import annotations

import atexit
import heapq
import itertools
import logging
from collections.abc import Callable
from threading import Lock
from weakref import WeakSet

from voxstack.streaming.forks import renew_after_fork
from voxstack_voice.worker_threads import WorkerThreads

Job = Callable[[], object]
"""A job that runs in a worker slot. It returns True if its slot was given to others meanwhile."""

_Entry = tuple[float, int, Job, bool]  # deadline, order of arrival, what to call, whether that is a job

_LOG = logging.getLogger("voxstack.voice")

AT_EXIT = 2.0
"""Seconds for which the end of the process waits for chunks that are being computed."""


class DeadlineQueue:
    """Grants ``workers`` worker slots; of the threads and jobs that wait, the one with the earliest deadline is next.

    A thread that acquires a slot blocks until it has one; a job runs on another thread once it has one. That thread
    goes on with the next job as long as there is one, so there are few more threads than workers, except for those that
    wait for something else. If no thread can be started, a thread that releases its slot runs the next job itself.

    In a forked child, all slots are free and nothing waits: the threads that had them are gone.
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._numbers = itertools.count()
        self.generation = -1
        self.after_fork()
        renew_after_fork(self)
        _QUEUES.add(self)

    def after_fork(self) -> None:
        """Free all slots. Who had one before does not give it back: it compares ``generation``."""
        self.generation += 1
        self.idle = self.workers
        """Workers that are unused; while there is one, no thread waits."""
        self.threads = WorkerThreads("voxstack")
        self._lock = Lock()
        self._heap: list[_Entry] = []

    @property
    def wanted(self) -> int:
        """Threads and jobs that wait for a worker."""
        return len(self._heap)

    def acquire(self, deadline: float) -> None:
        """Block until a worker slot is free. If interrupted, withdraw the request; no slot leaks."""
        with self._lock:
            if self.idle:
                self.idle -= 1
                return
            granted = Lock()
            granted.acquire()
            entry = (deadline, next(self._numbers), granted.release, False)
            heapq.heappush(self._heap, entry)
        try:
            granted.acquire()
        except BaseException:
            if not self._withdraw(entry):
                self.release()  # it was granted at the last moment
            raise

    def submit(self, deadline: float, job: Job) -> None:
        """Run a job on another thread once a worker slot is free, without blocking.

        :raises RuntimeError: if no thread can be started, and none runs that could take the job later.
        """
        with self._lock:
            entry = (deadline, next(self._numbers), job, True)
            if not self.idle:
                heapq.heappush(self._heap, entry)
                return
            self.idle -= 1
        try:
            self._start(job)
        except BaseException:
            with self._lock:
                self.idle += 1
                if self.idle < self.workers:  # the holder of a slot runs the job when it gives it back
                    heapq.heappush(self._heap, entry)
                    return
            raise

    def release(self) -> None:
        """Give back a slot that :meth:`acquire` granted."""
        job = self._pass_on()
        if job is None:
            return
        try:
            self._start(job)
        except RuntimeError:  # no thread can be started
            self._work(job)

    def _start(self, job: Job) -> None:
        self.threads.run(lambda: self._work(job))

    def _work(self, job: Job | None) -> None:
        while job is not None:
            lost = False
            try:
                lost = job() is True
            except BaseException:  # the slot must not be lost with it
                _LOG.exception("a job of the scheduler failed")
            if lost:
                return
            job = self._pass_on()

    def _pass_on(self) -> Job | None:
        """Pass a slot on to the earliest deadline.

        Return its job for the caller to run, or None after waking its thread.
        """
        with self._lock:
            if not self._heap:
                self.idle += 1
                return None
            *_, begin, is_job = heapq.heappop(self._heap)
        if is_job:
            return begin
        begin()
        return None

    def _withdraw(self, entry: _Entry) -> bool:
        """Remove an entry; return False if it does not wait any more."""
        with self._lock:
            if entry not in self._heap:
                return False
            self._heap.remove(entry)
            heapq.heapify(self._heap)
            return True


_QUEUES: WeakSet[DeadlineQueue] = WeakSet()


@atexit.register
def _end_threads() -> None:
    """Let chunks that are being computed end: libraries are torn down next, and must not run then."""
    for queue in list(_QUEUES):
        queue.threads.end(AT_EXIT)
