"""The processes that speak, and who has them."""

from __future__ import annotations

import contextlib
import functools
import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from voxstack import CapacityError
from voxstack.streaming.turn import waiting
from voxstack_espeak.library import Library
from voxstack_espeak.process import Process, command

HESITATION = 0.03
"""Seconds to wait for a process to come back before another one is started: starting one takes about as long."""
LONGEST_HESITATION = 0.5


class Pool:
    """Lends processes, each for one request. One that was left before it was done is ended, and another one takes its place.

    More are started while all are lent; but where they come back one after the other, it is waited for them.

    :param line: what starts a process.
    :param limit: processes lent at once, at most.
    :param spare: processes that are kept for later; as many as there are cores, unless given.
    :param patience: seconds to wait for a process when all are lent.
    """

    def __init__(self, line: Sequence[str], limit: int = 64, spare: int | None = None, patience: float = 10.0) -> None:
        self.line, self.limit, self.patience = tuple(line), limit, patience
        self.spare = spare or os.cpu_count() or 1
        self._forget()

    @classmethod
    @functools.cache
    def shared(cls, library: Library) -> Pool:
        """The pool of this process for one library."""
        import atexit

        pool = cls(command(library))
        atexit.register(pool.close)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=pool._forget)  # they are the parent's
        return pool

    @contextmanager
    def process(self) -> Iterator[Process]:
        """A process of one's own for a request.

        :raises CapacityError: if none gets free in time.
        """
        process = self._take()
        try:
            yield process
        finally:
            self._give_back(process)

    def close(self) -> None:
        """End all processes, also those that are lent."""
        with self._changed:
            self._closed = True
            ending = [*self._idle, *self._lent]
            self._idle.clear()
        for process in ending:
            process.end()

    @property
    def lent(self) -> int:
        """How many processes are lent now."""
        return self._count

    def _forget(self) -> None:
        self._changed = threading.Condition()
        self._idle: list[Process] = []
        self._lent: set[Process] = set()
        self._count = 0
        self._closed = False

    def _take(self) -> Process:
        with waiting():
            process = self._reserve()
        if process is not None and not process.ready:  # it died while nobody had it
            process.end()
            process = None
        try:
            process = process or Process(self.line)
        except BaseException:
            self._release()
            raise
        with self._changed:
            self._lent.add(process)
        return process

    def _reserve(self) -> Process | None:
        """The right to have one more process: an idle one, or None to start one."""
        with self._changed:
            if self._count >= self.spare:
                self._hesitate()
            if not self._changed.wait_for(lambda: self._count < self.limit, self.patience):
                raise CapacityError(
                    f"espeak: {self.limit} streams hold a process each and have not been read to their ends; "
                    "read or close some, and try again"
                )
            self._count += 1
            return self._idle.pop() if self._idle else None

    def _hesitate(self) -> None:
        """Wait for an idle process as long as some come back, but not for ever: others may always be faster."""
        until = time.monotonic() + LONGEST_HESITATION
        while not self._idle and time.monotonic() < until and self._changed.wait(HESITATION):
            pass

    def _give_back(self, process: Process) -> None:
        with self._changed:
            self._lent.discard(process)
        if not process.ready:
            process.end()
            process = self._successor() or process
        with self._changed:
            keep = process.ready and len(self._idle) < self.spare and not self._closed
            if keep:
                self._idle.append(process)
        if not keep:
            process.end()
        self._release()

    def _successor(self) -> Process | None:
        """A process in the place of one that has ended, so that who interrupts a stream to say something else need not wait for it."""
        if self._closed or len(self._idle) >= self.spare:
            return None
        with contextlib.suppress(OSError):  # whoever needs one will be told
            return Process(self.line)
        return None

    def _release(self) -> None:
        with self._changed:
            self._count -= 1
            self._changed.notify_all()
