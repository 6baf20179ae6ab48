"""A clock for the work of threads, on a machine on which other programs compute as well."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

from voxstack.streaming.forks import renew_after_fork

_SCHEDSTAT = "/proc/thread-self/schedstat"
"""Nanoseconds that a thread ran, and waited for a processor; Linux, Documentation/scheduler/sched-stats.rst."""


def work_clock() -> float:
    """Return the seconds of a clock that stands still while the calling thread waits for a processor.

    Differences on one thread count what it computes, and waits for devices, but not what other programs take from it.
    Where the system does not report these waits, it is the time.
    """
    now = time.perf_counter()
    own = _THREADS.own
    try:
        delays: _RunDelays = own.delays
    except AttributeError:  # the first call on this thread
        delays = own.delays = _RunDelays()
    return now - delays.read()


class _RunDelays:
    """The time for which the thread that made it has waited for a processor.

    Its file stays open as long as its thread is there: opening it takes several times as long as reading it.
    """

    def __init__(self) -> None:
        self._last = 0.0
        self._file: int | None = None
        try:
            self._file = os.open(_SCHEDSTAT, os.O_RDONLY)
        except OSError:  # another system, or too many open files: no waits are reported
            return

    def read(self) -> float:
        """Return the seconds; those of the last call if the program has closed the file."""
        if self._file is not None:
            try:
                self._last = int(os.pread(self._file, 64, 0).split()[1]) * 1e-9
            except (OSError, ValueError, IndexError):
                self._file = None  # it is no longer this object's, or another one's
        return self._last

    def __del__(self, close: Callable[[int], None] = os.close) -> None:
        if self._file is not None:
            close(self._file)


class _Threads:
    """The delays of each thread, by itself: in a forked child the file of its thread is one of the parent's."""

    def __init__(self) -> None:
        self.own = threading.local()
        renew_after_fork(self)

    def after_fork(self) -> None:
        self.own = threading.local()


_THREADS = _Threads()
