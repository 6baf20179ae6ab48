"""Turns: the right of a stream to compute on the calling thread, which a scheduler grants."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar


class Turn(ABC):
    """The right of one stream to compute on one thread, as a scheduler grants it.

    ``held`` is whether the stream may compute now: False inside :func:`waiting`. ``workers`` is the number of threads
    that may compute at once, ``idle`` how many of them are unused now, ``wanted`` how many threads and jobs wait for
    one.
    """

    held: bool = True
    workers: int

    @property
    @abstractmethod
    def idle(self) -> int: ...

    @property
    @abstractmethod
    def wanted(self) -> int: ...

    @abstractmethod
    def submit(self, job: Callable[[], object]) -> None:
        """Run a job on another thread, in a turn of the same stream, once a worker is free."""

    @abstractmethod
    def run(self, job: Callable[[], object]) -> None:
        """Run a job that computes nothing on another thread at once, without a turn."""

    @abstractmethod
    def another(self) -> AbstractContextManager[None]:
        """Hold another turn of the same stream on the calling thread while the block inside runs."""

    @abstractmethod
    def release(self) -> None:
        """Give the worker to another stream."""

    @abstractmethod
    def acquire(self) -> None:
        """Block until a worker is free again."""


CURRENT_TURN: ContextVar[Turn | None] = ContextVar("voxstack_turn", default=None)
"""The turn of the calling code; a scheduler sets it around the code that it runs."""


def current_turn() -> Turn | None:
    """Return the turn that the calling code holds, or None."""
    turn = CURRENT_TURN.get()
    return turn if turn is not None and turn.held else None


@contextmanager
def waiting() -> Iterator[None]:
    """Release this stream's turn while the block inside waits for something and computes nothing."""
    turn = current_turn()
    if turn is None:
        yield
        return
    turn.release()
    try:
        yield
    finally:
        turn.acquire()


def available_cores() -> int:
    """Return the number of processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
