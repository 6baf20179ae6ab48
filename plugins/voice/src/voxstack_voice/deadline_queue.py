"""The queue of threads and jobs that wait for a worker, in order of their deadlines."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

_MOST_THREADS = 1024  # more than ever wait at once; only threads with a worker compute, and those are few

_Entry = tuple[
    float, int, Callable[[], object], bool
]  # deadline, order of arrival, what to call, whether that is a job


class DeadlineQueue:
    """Grants ``workers`` worker slots; of the threads and jobs that wait, the one with the earliest deadline is next.

    A thread that acquires a slot blocks until it has one; a job runs on a thread of the pool once it has one. A thread
    of the pool goes on with the next job as long as there is one, so there are few more threads than workers, except
    for those that wait for something else.
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self.idle = workers
        """Workers that are unused; while there is one, no thread waits."""
        self._lock = Lock()
        self._heap: list[_Entry] = []
        self._numbers = itertools.count()
        self._pool: ThreadPoolExecutor | None = None

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
            self._withdraw(entry)
            raise

    def submit(self, deadline: float, job: Callable[[], object]) -> None:
        """Run a job on a thread of the pool once a worker slot is free, without blocking."""
        with self._lock:
            if not self.idle:
                heapq.heappush(self._heap, (deadline, next(self._numbers), job, True))
                return
            self.idle -= 1
        self.run(self._work, job)

    def release(self) -> None:
        """Give back a slot that :meth:`acquire` granted."""
        job = self._pass_on()
        if job is not None:
            self.run(self._work, job)

    def run(self, job: Callable[..., object], *args: object) -> None:
        """Run a job on a thread of the pool at once, without a slot."""
        with self._lock:
            if self._pool is None:
                from concurrent.futures import ThreadPoolExecutor  # most programs need no threads

                self._pool = ThreadPoolExecutor(_MOST_THREADS, "voxstack")
        self._pool.submit(job, *args)

    def _work(self, job: Callable[[], object] | None) -> None:
        while job is not None:
            try:
                job()
            except BaseException:
                self.release()  # the next job runs on another thread
                raise
            job = self._pass_on()

    def _pass_on(self) -> Callable[[], object] | None:
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

    def _withdraw(self, entry: _Entry) -> None:
        """Remove a waiting entry, or release its slot if it was granted at the last moment."""
        with self._lock:
            waits = entry in self._heap
            if waits:
                self._heap.remove(entry)
                heapq.heapify(self._heap)
        if not waits:
            self.release()
