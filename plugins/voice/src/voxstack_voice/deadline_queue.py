"""The queue of threads and jobs that wait for a worker, in order of their deadlines."""

from __future__ import annotations

import atexit
import heapq
import itertools
import logging
import time
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
    """Grants worker slots; of the threads and jobs that wait, the one with the earliest deadline is next.

    Newcomers, whose streams have no audio yet, are an exception: by their deadlines all of a burst would go before the
    second chunk of any. They go first as long as every stream that plays can still have its chunk in time, even if all
    of those that wait are due at once.

    A thread that acquires a slot blocks until it has one; a job runs on another thread once it has one. That thread
    goes on with the next job as long as there is one, so there are few more threads than workers, except for those that
    wait for something else. If no thread can be started, a thread that releases its slot runs the next job itself.

    In a forked child, all slots are free and nothing waits: the threads that had them are gone.

    :param workers: threads that can compute at the same time.
    :param spare: slots more than that, so that there is one to compute while others wait for Python's lock.
    """

    def __init__(self, workers: int, spare: int = 0) -> None:
        self.workers, self.spare = workers, spare
        self._numbers = itertools.count()
        self.generation = -1
        self.after_fork()
        renew_after_fork(self)
        _QUEUES.add(self)

    def after_fork(self) -> None:
        """Free all slots. Who had one before does not give it back: it compares ``generation``."""
        self.generation += 1
        self.idle = self.workers + self.spare
        """Slots that are unused, spare ones among them; while there is one, no thread waits."""
        self.threads = WorkerThreads("voxstack")
        self._lock = Lock()
        self._heap: list[_Entry] = []
        self._newcomers: list[_Entry] = []
        self._turn = self._first_turn = 0.0  # seconds of an average turn, and of one of a newcomer

    @property
    def wanted(self) -> int:
        """Threads and jobs that wait for a worker."""
        return len(self._heap) + len(self._newcomers)

    @property
    def free(self) -> int:
        """Workers that are unused."""
        return max(0, self.idle - self.spare)

    @property
    def crowding(self) -> float:
        """Threads with a slot for each worker, at least 1."""
        return max(1.0, (self.workers + self.spare - self.idle) / self.workers)

    @property
    def competitors(self) -> float:
        """Threads and jobs for each worker, at least 1, with those that wait."""
        return self.crowding + self.wanted / self.workers

    @property
    def guard(self) -> float:
        """Seconds before its deadline in which a waiting stream that plays goes before newcomers."""
        return self._first_turn + self._turn * (1 + len(self._heap) / self.workers)

    def learn(self, seconds: float, newcomer: bool) -> None:
        """Learn the length of a turn, an exponential average with a weight of 0.1."""
        if newcomer:
            self._first_turn += 0.1 * (seconds - self._first_turn) if self._first_turn else seconds
        else:
            self._turn += 0.1 * (seconds - self._turn) if self._turn else seconds

    def acquire(self, deadline: float, newcomer: bool = False, timeout: float = -1) -> bool:
        """Block until a worker slot is free, and return True; or False if none is within ``timeout`` seconds.

        If interrupted or too late, withdraw the request; no slot leaks.

        :param deadline: in the seconds of ``time.perf_counter``; infinite for streams without a listener.
        :param timeout: -1: no limit.
        """
        with self._lock:
            if self.idle:
                self.idle -= 1
                return True
            granted = Lock()
            granted.acquire()
            entry = (deadline, next(self._numbers), granted.release, False)
            self._push(entry, newcomer)
        try:
            if granted.acquire(timeout=timeout):
                return True
        except BaseException:
            if not self._withdraw(entry):
                self.release()  # it was granted at the last moment
            raise
        return not self._withdraw(entry)

    def submit(self, deadline: float, job: Job, newcomer: bool = False) -> None:
        """Run a job on another thread once a worker slot is free, without blocking.

        :param deadline: as for :meth:`acquire`.
        :raises RuntimeError: if no thread can be started, and none runs that could take the job later.
        """
        with self._lock:
            entry = (deadline, next(self._numbers), job, True)
            if not self.idle:
                self._push(entry, newcomer)
                return
            self.idle -= 1
        try:
            self._start(job)
        except BaseException:
            with self._lock:
                self.idle += 1
                if self.idle < self.workers + self.spare:  # the holder of a slot runs the job when it gives it back
                    self._push(entry, newcomer)
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
        """Pass a slot on to who is next.

        Return its job for the caller to run, or None after waking its thread.
        """
        with self._lock:
            if not self.wanted:
                self.idle += 1
                return None
            *_, begin, is_job = self._pop()
        if is_job:
            return begin
        begin()
        return None

    def _push(self, entry: _Entry, newcomer: bool) -> None:
        heapq.heappush(self._newcomers if newcomer else self._heap, entry)

    def _pop(self) -> _Entry:
        """Remove the entry that is next. Called with the lock held, while somebody waits."""
        playing = self._heap and (not self._newcomers or self._heap[0][0] - time.perf_counter() < self.guard)
        return heapq.heappop(self._heap if playing else self._newcomers)

    def _withdraw(self, entry: _Entry) -> bool:
        """Remove an entry; return False if it does not wait any more."""
        with self._lock:
            for heap in (self._heap, self._newcomers):
                if entry in heap:
                    heap.remove(entry)
                    heapq.heapify(heap)
                    return True
            return False


_QUEUES: WeakSet[DeadlineQueue] = WeakSet()


@atexit.register
def _end_threads() -> None:
    """Let chunks that are being computed end: libraries are torn down next, and must not run then."""
    for queue in list(_QUEUES):
        queue.threads.end(AT_EXIT)
