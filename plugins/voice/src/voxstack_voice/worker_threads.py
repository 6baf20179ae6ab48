"""Threads that run jobs, and are kept for the next ones."""

from __future__ import annotations

import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Thread, current_thread

Job = Callable[[], object]

RETRIES, RETRY_PAUSE = 100, 0.02
"""How often, and after how many seconds each, the start of a thread that a stream needs is tried again."""


class WorkerThreads:
    """Runs each job at once, on a thread that waits for one or on a new one.

    Unlike an executor, it takes no lock of its own, never keeps a job that no thread could be started for, and can be
    replaced in a forked child. Its threads are daemons: a network that hangs does not keep the process from ending.

    :param keep: seconds after which a thread without a job ends.
    """

    def __init__(self, name: str, keep: float = 30.0) -> None:
        self._name, self._keep = name, keep
        self._idle: list[SimpleQueue[Job]] = []  # an inbox for each thread that waits; the operations used are atomic
        self._busy: set[Thread] = set()
        self._ending = False

    def run(self, job: Job) -> None:
        """Run a job, which must not raise, on a thread at once.

        :raises RuntimeError: if no thread can be started; the job does not run then.
        """
        try:
            inbox = self._idle.pop()
        except IndexError:
            Thread(target=self._serve, args=(job,), name=self._name, daemon=True).start()
        else:
            inbox.put(job)

    def end(self, timeout: float) -> None:
        """Let each thread end with its current job, and wait ``timeout`` seconds for all of them."""
        self._ending = True
        end = time.monotonic() + timeout
        for thread in list(self._busy):
            thread.join(max(0.0, end - time.monotonic()))

    def _serve(self, job: Job | None) -> None:
        inbox: SimpleQueue[Job] = SimpleQueue()
        while job is not None:
            self._busy.add(current_thread())
            try:
                job()
            finally:
                self._busy.discard(current_thread())
            job = None  # it may hold a whole stream
            if self._ending:
                return
            self._idle.append(inbox)
            job = self._next(inbox)

    def _next(self, inbox: SimpleQueue[Job]) -> Job | None:
        try:
            return inbox.get(timeout=self._keep)
        except Empty:
            pass
        try:
            self._idle.remove(inbox)
        except ValueError:  # a job is on its way
            return inbox.get()
        return None
