"""A pool of worker processes, lent to one request each."""

from __future__ import annotations

import contextlib
import functools
import gc
import os
import time
from collections import deque
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from voxstack import CapacityError, waiting
from voxstack_espeak.bell import Bell
from voxstack_espeak.library_paths import LibraryPaths
from voxstack_espeak.process import SILENCE, EspeakProcess, ProcessLost, Reply, worker_command

T = TypeVar("T")

HESITATION = 0.03
"""Seconds to wait for a process to come back before another one is started: starting one takes about as long."""
MAX_HESITATION = 0.5
"""Seconds to wait at most while processes do come back: other threads may always be faster."""
COLLECT_AFTER = 0.5
"""Seconds to wait for one of ``limit`` processes before garbage is collected, which may hold some."""


class ProcessPool:
    """Lends worker processes, each for one request; a process left before it is done is ended and replaced.

    While all processes are lent, more are started; but as long as processes come back one after the other, callers wait
    for them instead.

    There is no lock: lists are changed by single operations, each of which is atomic. So a stream can be closed by the
    garbage collector, which runs on any thread, at any place in the code of this class, too.

    :param command: command that starts a worker.
    :param limit: the most processes lent at once.
    :param spare: the most processes kept for later; by default one per core.
    :param patience: seconds to wait for a process while ``limit`` are lent.
    :param silence: seconds after which a process that gives no sign of life is ended.
    """

    def __init__(
        self,
        command: Sequence[str],
        limit: int = 64,
        spare: int | None = None,
        patience: float = 10.0,
        silence: float = SILENCE,
    ) -> None:
        self.command, self.limit, self.patience, self.silence = tuple(command), limit, patience, silence
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

    def run(self, request: Mapping[str, Any]) -> Generator[Reply, None, None]:
        """Run a request in a process, and yield the parts of the reply on demand, as :meth:`EspeakProcess.run` does.

        A process that was idle and does not reply at all, as it was stopped or killed meanwhile, is replaced.

        :raises CapacityError: if no process is free in time, or none can be started.
        """
        with self.process() as process:
            replies = process.run(request)
            try:
                first = next(replies)
            except ProcessLost:
                if not process.used:
                    raise
            else:
                yield first
                yield from replies
                return
        with self.process(new=True) as process:
            yield from process.run(request)

    @contextmanager
    def process(self, new: bool = False) -> Iterator[EspeakProcess]:
        """Lend a process to the caller for one request.

        :param new: start one, whether or not others are idle.
        :raises CapacityError: if none is free in time, or none can be started.
        """
        process = self._take(new)
        try:
            yield process
        finally:
            self._give_back(process)

    def prepare(self) -> None:
        """Start a process for later, unless there is one or none can be started."""
        if not self._idle and not self._lent:
            self._start_successor()

    def close(self) -> None:
        """End all processes, including those that are lent."""
        self._closed = True
        for process in tuple(self._lent):  # their readers close the pipes
            process.kill()
        self._end_idle(keep=0)

    @property
    def lent(self) -> int:
        """Number of processes that are lent, or about to be."""
        self._forget_ended()
        return self.limit - len(self._slots)

    def _reset(self) -> None:
        self._slots: list[None] = [None] * self.limit
        self._bell = Bell()
        self._idle: list[EspeakProcess] = []
        self._lent: set[EspeakProcess] = set()
        self._ending: deque[EspeakProcess] = deque()  # ended, but perhaps still known to the system
        self._closed = False

    def _forget(self) -> None:
        """Start again with no process in a forked child: all of them are the parent's."""
        for process in (*self._idle, *self._lent, *self._ending):
            process.detach()
        self._reset()

    def _take(self, new: bool) -> EspeakProcess:
        self._forget_ended()
        reserved: list[EspeakProcess] | None = None
        try:
            with waiting():
                reserved = self._reserve(new)
            process = self._ready(reserved)
            self._lent.add(process)
            return process
        except BaseException:  # waiting for a turn or starting a process can fail or be interrupted
            if reserved is not None:
                for process in reserved:
                    self._keep_or_end(process)
                self._release()
            raise

    def _reserve(self, new: bool) -> list[EspeakProcess]:
        """Take a slot; return an idle process, or an empty list if one has to be started."""
        if not new and self.limit - len(self._slots) >= self.spare:
            self._hesitate()
        if not self._slot_within(min(COLLECT_AFTER, self.patience)):
            gc.collect()  # streams in cycles that nothing uses hold processes until it runs
            if not self._slot_within(self.patience):
                raise CapacityError(
                    f"Espeak: {self.limit} streams hold a process each and have not been read to the end; "
                    "read or close some of them, then try again"
                )
        return [] if new else _popped(self._idle)

    def _slot_within(self, seconds: float) -> bool:
        """Take a slot, and return whether there was one in time."""
        until = time.monotonic() + seconds
        while not _popped(self._slots):
            if not self._bell.wait(until - time.monotonic(), unless=lambda: bool(self._slots)):
                return bool(_popped(self._slots))
        return True

    def _hesitate(self) -> None:
        """Wait for an idle process, as long as some come back."""
        until = time.monotonic() + MAX_HESITATION
        while not self._idle and time.monotonic() < until:
            if not self._bell.wait(HESITATION, unless=lambda: bool(self._idle)):
                return

    def _ready(self, idle: list[EspeakProcess]) -> EspeakProcess:
        for process in idle:
            if process.ready:
                return process
            self._end(process)  # it died while it was idle
        return EspeakProcess(self.command, self.silence)

    def _give_back(self, process: EspeakProcess) -> None:
        """Keep a process for later, or end it. Takes no lock and waits for nothing: a finalizer may call it."""
        try:
            self._lent.remove(process)
        except KeyError:  # in a forked child: it is the parent's
            return
        try:
            if process.ready:
                self._keep_or_end(process)
            else:
                self._end(process)
                self._start_successor()
                self._forget_ended()
        finally:
            self._release()

    def _keep_or_end(self, process: EspeakProcess) -> None:
        """Keep a process if it is ready and there is room for it; otherwise end it."""
        if process.ready and len(self._idle) < self.spare:
            self._idle.append(process)
            self._end_idle(keep=0 if self._closed else self.spare)  # other threads do the same
        else:
            self._end(process)

    def _start_successor(self) -> None:
        """Start a process for later, so that the next caller need not wait."""
        if self._closed or len(self._idle) >= self.spare:
            return
        with contextlib.suppress(CapacityError):  # raised again when a caller needs a process
            self._keep_or_end(EspeakProcess(self.command, self.silence))

    def _end_idle(self, keep: int) -> None:
        while len(self._idle) > keep:
            for process in _popped(self._idle):
                self._end(process)

    def _end(self, process: EspeakProcess) -> None:
        self._ending.append(process)
        process.end()

    def _forget_ended(self) -> None:
        """Ask the system for the status of processes that were ended, so that it forgets them."""
        for _ in range(len(self._ending)):
            for process in _popped(self._ending):
                if not process.gone:
                    self._ending.appendleft(process)

    def _release(self) -> None:
        self._slots.append(None)
        self._bell.ring()


def _popped(items: list[T] | deque[T]) -> list[T]:
    """Remove the last item, and return it in a list; an empty list if there are no items."""
    try:
        return [items.pop()]
    except IndexError:
        return []
