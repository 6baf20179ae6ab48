"""Deadlines of streams: a chunk that takes too long ends its stream."""

from __future__ import annotations

import logging
import math
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from voxstack.errors import CapacityError, DeadlineError, RequestError
from voxstack.streaming.faults import innermost_block
from voxstack.streaming.forks import renew_after_fork
from voxstack_voice import worker_threads
from voxstack_voice.stream_turn import StreamTurn

_LOG = logging.getLogger("voxstack.voice")

UNTRUSTED_TIMEOUT = 60.0
"""Seconds for a chunk of an addon that was not installed with pip, whose networks may be endless, by default."""

GRACE = 0.5
"""Seconds in which a chunk that is interrupted should end, before its worker is given to others."""

_TICK = 0.05
_KEEP = 5.0  # seconds for which the thread stays without chunks to watch


class ChunkWatch:
    """A chunk that is being computed.

    :param turn: in which it is computed.
    """

    def __init__(self, turn: StreamTurn, timeout: float) -> None:
        self.turn, self.timeout = turn, timeout
        self.thread = threading.get_ident()
        self.expires = time.monotonic() + timeout
        self.error: DeadlineError | None = None
        """The error of the stream, once it has taken too long."""

    def expire(self) -> None:
        """End the chunk: whatever can be interrupted is, and long work finds that it is cancelled."""
        frame = sys._current_frames().get(self.thread)
        frames = []
        while frame is not None:
            frames.append(frame)
            frame = frame.f_back
        block = innermost_block(reversed(frames))
        where = block.stack_path if block is not None else "stack"
        kind = f"{type(block).__name__}: " if block is not None else ""
        self.error = DeadlineError(
            where,
            f"{kind}no chunk was ready within {self.timeout:g} s; allow more time, or look at what this block does",
        )
        del frame, frames
        self.turn.ticket.failure = self.error
        self.turn.ticket.cancelled = True
        self.expires = time.monotonic() + GRACE
        for interrupt in list(self.turn.interrupts):
            try:
                interrupt()
            except Exception:
                _LOG.exception("%s: cannot be interrupted", where)


class Watchdog:
    """Watches the chunks of streams that have a timeout, with one thread for all of them.

    A chunk that takes longer is interrupted: networks and helper processes end with an error, and long work of blocks
    notices. If that does not help within ``GRACE`` seconds, its worker is given to other streams, and the listener that
    awaits the chunk gets the error; code that never returns continues on its thread, which nothing can end.
    """

    def __init__(self) -> None:
        self.after_fork()
        renew_after_fork(self)

    def after_fork(self) -> None:
        """Watch nothing: the threads that computed are gone."""
        self._watched: dict[int, ChunkWatch] = {}
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    @contextmanager
    def watch(self, turn: StreamTurn, timeout: float) -> Iterator[ChunkWatch]:
        """Watch the chunk that the block inside computes.

        :raises CapacityError: if the thread that watches cannot be started.
        """
        chunk = ChunkWatch(turn, timeout)
        with self._lock:  # the thread ends only with the lock held, and with nothing to watch
            if self._thread is None:
                self._thread = self._started()
            self._watched[id(chunk)] = chunk
        try:
            yield chunk
        finally:
            self._watched.pop(id(chunk), None)

    def _started(self) -> threading.Thread:
        for _ in range(worker_threads.RETRIES):
            thread = threading.Thread(target=self._run, name="voxstack-watchdog", daemon=True)
            try:
                thread.start()
            except RuntimeError as error:
                failure = error
                time.sleep(worker_threads.RETRY_PAUSE)
            else:
                return thread
        problem = f"no thread can be started to watch the timeout ({failure}); try again, or raise the limit of threads"
        raise CapacityError(problem) from failure

    def _run(self) -> None:
        idle_since = before = time.monotonic()
        while True:
            now = time.monotonic()
            for chunk in list(self._watched.values()):
                if chunk.turn.paused:
                    chunk.expires += now - before
                elif chunk.expires <= now:
                    self._act(chunk)
                del chunk
            before = now
            if self._watched:
                idle_since = now
            elif now - idle_since > _KEEP:
                with self._lock:
                    if not self._watched:
                        self._thread = None
                        return
            time.sleep(_TICK)

    def _act(self, chunk: ChunkWatch) -> None:
        if chunk.error is None:
            chunk.expire()
        elif self._watched.pop(id(chunk), None) is not None:  # it may have ended meanwhile
            chunk.turn.give_up(chunk.error)


def timeout_of(voice: str, requested: float | None, default: float | None) -> float | None:
    """Return the seconds in which a chunk must be computed, or None for no limit.

    :raises RequestError: for a request that is not a positive number.
    """
    if requested is None:
        return default
    if isinstance(requested, bool) or not isinstance(requested, int | float) or not requested > 0:
        raise RequestError(f"{voice}: timeout is {requested!r}; give seconds, more than 0, or math.inf for no limit")
    return None if math.isinf(requested) else float(requested)
