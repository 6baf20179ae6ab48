"""A turn for code that no scheduler runs."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from voxstack.streaming.forks import renew_after_fork
from voxstack.streaming.turn import Turn, available_cores


class Unscheduled(Turn):
    """Stands in for a turn in code that no scheduler runs: helpers may use every other core of the process."""

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self.after_fork()
        renew_after_fork(self)

    def after_fork(self) -> None:
        """Count no helpers: the threads are gone."""
        self._helpers = 0
        self._lock = threading.Lock()

    @classmethod
    @functools.cache
    def shared(cls) -> Unscheduled:
        """Return the stand-in of this process."""
        return cls(available_cores())

    @property
    def idle(self) -> int:
        return max(0, self.workers - 1 - self._helpers)

    @property
    def wanted(self) -> int:
        return 0

    def submit(self, job: Callable[[], object]) -> None:
        def counted() -> None:
            try:
                job()
            finally:
                self._count(-1)

        self._count(1)
        try:
            self.run(counted)
        except BaseException:  # no thread can be started
            self._count(-1)
            raise

    def run(self, job: Callable[[], object]) -> None:
        threading.Thread(target=job, name="voxstack-helper", daemon=True).start()

    def _count(self, helpers: int) -> None:
        with self._lock:
            self._helpers += helpers

    def another(self) -> AbstractContextManager[None]:
        return nullcontext()

    def release(self) -> None:
        """Do nothing: there is no worker to give away."""

    def acquire(self) -> None:
        """Do nothing: there is no worker to wait for."""
