"""Who computes next."""

from __future__ import annotations

import heapq
import itertools
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

_MOST_THREADS = 1024  # more than ever wait at once; only those that do not wait compute, and they are few


class Turns:
    """Lets ``workers`` compute at once, and of those that wait first the one with the earliest deadline.

    A turn is taken by the thread that uses it, which waits for it, or for a job, which gets it on a thread of the pool. A
    thread of the pool goes on with the next job as long as there is one, so there are hardly more threads than workers, but
    for those that wait for something else.
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self.idle = workers
        """Workers that nobody uses; where there is one, nobody waits."""
        self._lock = threading.Lock()
        self._queue: list[
            tuple[float, int, Callable[[], object], bool]
        ] = []  # a heap: deadline, order, what begins, a job or not
        self._numbers = itertools.count()
        self._pool: ThreadPoolExecutor | None = None

    @property
    def wanted(self) -> int:
        """How many wait."""
        return len(self._queue)

    def take(self, deadline: float) -> None:
        """Wait for a turn. Whoever is interrupted while waiting has none, and leaves none behind."""
        with self._lock:
            if self.idle:
                self.idle -= 1
                return
            granted = threading.Lock()
            granted.acquire()
            entry = (deadline, next(self._numbers), granted.release, False)
            heapq.heappush(self._queue, entry)
        try:
            granted.acquire()
        except BaseException:
            self._withdraw(entry)
            raise

    def take_for(self, deadline: float, job: Callable[[], object]) -> None:
        """Take a turn without waiting for it: ``job`` has it when it has come, on a thread of the pool."""
        with self._lock:
            if not self.idle:
                heapq.heappush(self._queue, (deadline, next(self._numbers), job, True))
                return
            self.idle -= 1
        self.run(self._work, job)

    def give_back(self) -> None:
        """End a turn that :meth:`take` gave."""
        job = self._passed_on()
        if job is not None:
            self.run(self._work, job)

    def run(self, job: Callable[..., object], *args: object) -> None:
        """Run something on a thread of the pool, whoever has a turn."""
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
                self.give_back()  # what comes next has another thread
                raise
            job = self._passed_on()

    def _passed_on(self) -> Callable[[], object] | None:
        """Give a turn to whoever is next; a job among them is returned, for the caller to see to it."""
        with self._lock:
            if not self._queue:
                self.idle += 1
                return None
            *_, begin, is_job = heapq.heappop(self._queue)
        if is_job:
            return begin
        begin()
        return None

    def _withdraw(self, entry: tuple[float, int, Callable[[], object], bool]) -> None:
        """Take back a wish for a turn, or the turn, if it came at the last moment."""
        with self._lock:
            waits = entry in self._queue
            if waits:
                self._queue.remove(entry)
                heapq.heapify(self._queue)
        if not waits:
            self.give_back()
