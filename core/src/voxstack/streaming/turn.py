"""Turns: the right of a stream to compute on the calling thread, which a scheduler grants."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar

from voxstack.errors import CancelledError


class Turn(ABC):
    """The right of one stream to compute on one thread, as a scheduler grants it.

    ``held`` is whether the stream may compute now: False inside :func:`waiting`. ``workers`` is the number of threads
    that may compute at once, ``idle`` how many of them are unused now, ``wanted`` how many threads and jobs wait for
    one.

    ``cancelled`` is whether the rest of the stream is unwanted, ``limited`` whether a chunk must be computed
    within some time; then whatever stands in ``interrupts`` is called, on another thread, when that time is over.
    """

    held: bool = True
    workers: int
    limited: bool = False
    interrupts: list[Callable[[], object]]
    paused: bool = False
    """Whether it waits for the caller's input, which no deadline limits."""

    @property
    def crowded(self) -> bool:
        """True if other programs use the processor, so that an unused worker is no unused core."""
        return False

    @property
    def cancelled(self) -> bool:
        return False

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
    def another(self) -> AbstractContextManager[object]:
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
def waiting(for_input: bool = False) -> Iterator[None]:
    """Release this stream's turn while the block inside waits for something and computes nothing.

    :param for_input: whether it waits for the caller, who may take any time, whatever the stream's timeout is.
    """
    turn = current_turn()
    if turn is None:
        yield
        return
    turn.paused = for_input
    turn.release()
    try:
        yield
    finally:
        turn.acquire()
        turn.paused = False


def is_cancelled() -> bool:
    """Return whether the stream of the calling code was closed or missed its deadline."""
    turn = CURRENT_TURN.get()
    return turn is not None and turn.cancelled


def check_cancelled() -> None:
    """Return, unless the stream of the calling code was closed or missed its deadline.

    Long work on one chunk that runs no network calls it again and again, so that it can be cancelled.

    :raises CancelledError: if the result is unwanted.
    """
    if is_cancelled():
        raise CancelledError("the stream was closed, or missed its deadline; nothing more is computed")


@contextmanager
def interruptible(interrupt: Callable[[], object]) -> Iterator[None]:
    """Let the block inside be ended when the stream misses its deadline.

    :param interrupt: makes the block inside end, with an error; called on another thread, once, and takes no lock.
    :raises CancelledError: if the stream has missed it already.
    """
    turn = CURRENT_TURN.get()
    if turn is None or not turn.limited:
        yield
        return
    turn.interrupts.append(interrupt)
    try:
        check_cancelled()
        yield
    finally:
        turn.interrupts.remove(interrupt)


def available_cores() -> int:
    """Return the number of processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
