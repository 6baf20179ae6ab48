"""A limit of the time that the measurement of one network takes, with progress on the way."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import numpy as np

from voxstack.networks import Runner
from voxstack_packager.errors import PackagingError
from voxstack_packager.limits import TIME_LIMIT

REPORTED = 10.0
"""Seconds between two lines of progress."""


class TimeLimit:
    """Measures the time from its creation on, reports progress from time to time, and ends work that takes too long.

    :param where: name of the network.
    :param progress: called with a line.
    :param seconds: the limit.
    """

    def __init__(self, where: str, progress: Callable[[str], None] = print, seconds: float = TIME_LIMIT) -> None:
        self.stage = "begun"
        """What is measured now, as a phrase."""
        self._where, self._progress, self._seconds = where, progress, seconds
        self._begin = self._reported = time.monotonic()

    def watch(self, run: Runner) -> Runner:
        """Return a runner that reports progress, and refuses calls for which there is no time.

        A call cannot be interrupted, so one that is larger than the call before is expected to take longer by as much.
        It raises a :class:`PackagingError` if the time is over, or would be.
        """
        last_size, last_seconds = 0, 0.0

        def watched(**arrays: np.ndarray) -> Mapping[str, np.ndarray]:
            nonlocal last_size, last_seconds
            size = sum(array.size for array in arrays.values())
            self._check(last_seconds * size / last_size if size > last_size > 0 else 0.0)
            begin = time.monotonic()
            outputs = run(**arrays)
            last_size, last_seconds = size, time.monotonic() - begin
            return outputs

        return watched

    def _check(self, expected: float) -> None:
        """Report progress, and check that ``expected`` seconds are left."""
        now = time.monotonic()
        elapsed = now - self._begin
        if elapsed + expected > self._seconds:
            more = f", and the next call is expected to take {expected:.0f} s" if expected > 1 else ""
            problem = f"measuring takes more than {self._seconds:g} s; it came to {self.stage}{more}"
            raise PackagingError(self._where, f"{problem}. Raise 'time_limit', or package a smaller network")
        if now - self._reported > REPORTED:
            self._reported = now
            self._progress(f"{self._where}: measuring for {elapsed:.0f} s, now {self.stage}")

    @contextmanager
    def reporting(self, stage: str) -> Iterator[None]:
        """Report progress while the block inside runs, which may call no runner.

        :raises PackagingError: if the time is over when it ends; it cannot be interrupted.
        """
        self.stage, done, begin = stage, threading.Event(), time.monotonic()

        def report() -> None:
            while not done.wait(REPORTED):
                self._progress(f"{self._where}: {stage} for {time.monotonic() - begin:.0f} s")

        thread = threading.Thread(target=report, name=f"progress of {self._where}", daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()
        self._reported = time.monotonic()
        self._check(0.0)

    @property
    def remaining(self) -> float:
        """Seconds that are left."""
        return max(0.0, self._seconds - (time.monotonic() - self._begin))
