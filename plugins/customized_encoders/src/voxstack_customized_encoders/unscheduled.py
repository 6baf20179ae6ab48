"""A turn for code that no scheduler runs."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable

from voxstack.streaming.turn import Turn, available_cores


class Unscheduled(Turn):
    """Stands in for a turn in code that no scheduler runs: helpers may use every other core of the process."""

    def __init__(self, workers: int) -> None:
        self.workers, self._helpers = workers, 0
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
        with self._lock:
            self._helpers += 1

        def counted() -> None:
            try:
                job()
            finally:
                with self._lock:
                    self._helpers -= 1

        self.run(counted)

    def run(self, job: Callable[[], object]) -> None:
        threading.Thread(target=job, name="voxstack-helper", daemon=True).start()

    def release(self) -> None:
        """Do nothing: there is no worker to give away."""

    def acquire(self) -> None:
        """Do nothing: there is no worker to wait for."""
