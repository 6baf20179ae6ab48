"""The processes that speak, and who has them."""

from __future__ import annotations

import functools
import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from voxstack import CapacityError
from voxstack.scheduler import waiting
from voxstack_espeak.library import Library
from voxstack_espeak.process import Process, command


class Pool:
    """Lends processes, each for one request. One that was left before it was done is ended, and a new one is started when it is wanted.

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

    def _take(self) -> Process:
        with waiting():
            self._reserve()
        try:
            process = self._ready() or Process(self.line)
        except BaseException:
            self._release()
            raise
        with self._changed:
            self._lent.add(process)
        return process

    def _reserve(self) -> None:
        until = time.monotonic() + self.patience
        with self._changed:
            while self._count >= self.limit:
                if not self._changed.wait(until - time.monotonic()) and time.monotonic() >= until:
                    raise CapacityError(
                        f"espeak: {self.limit} streams hold a process each and have not been read to their ends; "
                        "read or close some, and try again"
                    )
            self._count += 1

    def _ready(self) -> Process | None:
        while True:
            with self._changed:
                if not self._idle:
                    return None
                process = self._idle.pop()
            if process.ready:
                return process
            process.end()

    def _give_back(self, process: Process) -> None:
        keep = process.ready
        with self._changed:
            self._lent.discard(process)
            keep = keep and len(self._idle) < self.spare
            if keep:
                self._idle.append(process)
        if not keep:
            process.end()
        self._release()

    def _release(self) -> None:
        with self._changed:
            self._count -= 1
            self._changed.notify()
