"""Forced interleavings: locks that sleep at every step, for durations that a seed determines."""

from __future__ import annotations

import gc
import os
import threading
import time
from collections.abc import Callable, Iterator
from random import Random
from types import ModuleType, TracebackType

import numpy as np
import pytest

import voxstack

_FIRST = int(os.environ.get("VOXSTACK_FIRST_SEED", "0"))
SEEDS = range(_FIRST, _FIRST + int(os.environ.get("VOXSTACK_SEEDS", "40")))
"""Seeds of each test; others by the environment variables ``VOXSTACK_SEEDS`` and ``VOXSTACK_FIRST_SEED``."""


class SleepyLock:
    """A lock that may sleep before and after it is acquired, and before and after it is released.

    :param random: decides whether and for how long.
    :param longest: the longest sleep in seconds.
    """

    def __init__(self, random: Random, longest: float) -> None:
        self._lock, self._random, self._longest = threading.Lock(), random, longest

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Acquire the lock as ``threading.Lock`` does."""
        self._pause()
        acquired = self._lock.acquire(blocking, timeout)
        self._pause()
        return acquired

    def release(self) -> None:
        """Release the lock."""
        self._pause()
        self._lock.release()
        self._pause()

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def _pause(self) -> None:
        if self._random.random() < 0.2:
            time.sleep(self._random.random() ** 4 * self._longest)


class CollectingLock(SleepyLock):
    """A lock that collects garbage while it is held, as any allocation may.

    :param litter: drops something that is then garbage, and returns whether there was something.
    """

    def __init__(self, litter: Callable[[], bool]) -> None:
        super().__init__(Random(0), 0.0)
        self._litter = litter

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Acquire the lock as ``threading.Lock`` does, and collect."""
        acquired = self._lock.acquire(blocking, timeout)
        if acquired and self._litter():
            gc.collect()
        return acquired

    def release(self) -> None:
        """Release the lock."""
        self._lock.release()

    def _pause(self) -> None:
        pass


def make_sleepy(monkeypatch: pytest.MonkeyPatch, seed: int, *modules: ModuleType, longest: float = 0.002) -> None:
    """Replace the ``Lock`` of modules by one that sleeps at every step."""
    random = Random(seed)
    for module in modules:
        monkeypatch.setattr(module, "Lock", lambda: SleepyLock(random, longest))


def run_together(jobs: list[Callable[[], object]], timeout: float = 60.0) -> list[object]:
    """Run jobs on threads that start together; return the result of each, or the exception that it raised."""
    results: list[object] = [None] * len(jobs)
    start = threading.Barrier(len(jobs))

    def run(number: int) -> None:
        start.wait()
        try:
            results[number] = jobs[number]()
        except Exception as error:
            results[number] = error

    threads = [threading.Thread(target=run, args=(number,), daemon=True) for number in range(len(jobs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout)
    assert not any(thread.is_alive() for thread in threads), "some jobs never returned"
    return results


def in_turns(stream: Iterator[np.ndarray], scheduler: voxstack.Scheduler) -> Iterator[np.ndarray]:
    """Yield the chunks of a stream, each computed in a turn of a scheduler."""
    ticket = scheduler.admit("voice", lambda: 0.0, refuse=False)
    while True:
        with ticket.turn():
            chunk = next(stream, None)
        if chunk is None:
            break
        yield chunk
    ticket.leave()
