"""A pool of worker processes, lent to one request each."""

from __future__ import annotations

import contextlib
import functools
import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from voxstack import CapacityError, waiting
from voxstack_espeak.library_paths import LibraryPaths
from voxstack_espeak.process import EspeakProcess, worker_command

HESITATION = 0.03
"""Seconds to wait for a process to come back before another one is started: starting one takes about as long."""
MAX_HESITATION = 0.5
"""Seconds to wait at most while processes do come back: other threads may always be faster."""


class ProcessPool:
    """Lends worker processes, each for one request; a process left before it is done is ended and replaced.

    While all processes are lent, more are started; but as long as processes come back one after the other, callers wait
    for them instead.

    :param command: command that starts a worker.
    :param limit: the most processes lent at once.
    :param spare: the most processes kept for later; by default one per core.
    :param patience: seconds to wait for a process while ``limit`` are lent.
    """

    def __init__(
        self, command: Sequence[str], limit: int = 64, spare: int | None = None, patience: float = 10.0
    ) -> None:
        self.command, self.limit, self.patience = tuple(command), limit, patience
        self.spare = spare or os.cpu_count() or 1
        self._reset()

    @classmethod
    @functools.cache
    def shared(cls, paths: LibraryPaths) -> ProcessPool:
        """Return the pool of this process for one library."""
        import atexit

        pool = cls(worker_command(paths))
        atexit.register(pool.close)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=pool._forget)
        return pool

    @contextmanager
    def process(self) -> Iterator[EspeakProcess]:
        """Lend a process to the caller for one request.

        :raises CapacityError: if none is free in time.
        """
        process = self._take()
        try:
            yield process
        finally:
            self._give_back(process)

    def close(self) -> None:
        """End all processes, including those that are lent."""
        with self._changed:
            self._closed = True
            ending = [*self._idle, *self._lent]
            self._idle.clear()
        for process in ending:
            process.end()

    @property
    def lent(self) -> int:
        """Number of processes that are lent, or about to be."""
        return self._count

    def _reset(self) -> None:
        self._changed = threading.Condition()  # held only briefly, never while a process starts or ends
        self._idle: list[EspeakProcess] = []
        self._lent: set[EspeakProcess] = set()
        self._count = 0
        self._closed = False

    def _forget(self) -> None:
        """Start again with no process in a forked child: all of them are the parent's."""
        for process in (*self._idle, *self._lent):
            process.detach()
        self._reset()

    def _take(self) -> EspeakProcess:
        reserved: list[EspeakProcess] | None = None
        try:
            with waiting():
                reserved = self._reserve()
            process = self._ready(reserved)
            with self._changed:
                self._lent.add(process)
            return process
        except BaseException:  # waiting for a turn, ending or starting a process can fail or be interrupted
            if reserved is not None:
                self._keep_or_end(reserved)
                self._release()
            raise

    def _reserve(self) -> list[EspeakProcess]:
        """Count one more lent process; return an idle one, or an empty list if one has to be started."""
        with self._changed:
            if self._count >= self.spare:
                self._hesitate()
            if not self._changed.wait_for(lambda: self._count < self.limit, self.patience):
                raise CapacityError(
                    f"Espeak: {self.limit} streams hold a process each and have not been read to the end; "
                    "read or close some of them, then try again"
                )
            self._count += 1
            return [self._idle.pop()] if self._idle else []

    def _hesitate(self) -> None:
        """Wait for an idle process, as long as some come back. Called with the lock held."""
        until = time.monotonic() + MAX_HESITATION
        while not self._idle and time.monotonic() < until and self._changed.wait(HESITATION):
            pass

    def _ready(self, idle: list[EspeakProcess]) -> EspeakProcess:
        for process in idle:
            if process.ready:
                return process
            process.end()  # it died while it was idle
        return EspeakProcess(self.command)

    def _give_back(self, process: EspeakProcess) -> None:
        """Keep a process for later, or end it; only then let another caller have its slot."""
        with self._changed:
            if process not in self._lent:  # in a forked child: it is the parent's
                return
            self._lent.discard(process)
        try:
            if not process.ready:
                process.end()
                process = self._successor() or process
            self._keep_or_end([process])
        finally:
            self._release()

    def _keep_or_end(self, processes: Sequence[EspeakProcess]) -> None:
        """Keep processes that are ready, as far as there is room for them, and end the others."""
        for process in processes:
            with self._changed:
                keep = process.ready and len(self._idle) < self.spare and not self._closed
                if keep:
                    self._idle.append(process)
            if not keep:
                process.end()

    def _successor(self) -> EspeakProcess | None:
        """Start a process in place of one that has ended, so that a caller that interrupts a stream need not wait."""
        if self._closed or len(self._idle) >= self.spare:
            return None
        with contextlib.suppress(OSError):  # raised again when a caller needs a process
            return EspeakProcess(self.command)
        return None

    def _release(self) -> None:
        with self._changed:
            self._count -= 1
            self._changed.notify_all()
