"""A handle on a worker process, for its parent."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from types import TracebackType
from typing import Any, Self

from voxstack import VoxstackError

TIMEOUT = 300.0
"""Default limit of one request, in seconds; compiling for some devices takes minutes."""

_THREAD_POOLS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)


class WorkerError(VoxstackError):
    """A request failed in the worker process, or the process itself did.

    :param trace: the traceback in the worker, if there is one.
    """

    def __init__(self, problem: str, trace: str = "") -> None:
        super().__init__(problem)
        self.trace = trace


class Unavailable(WorkerError):
    """The context is unavailable on this machine."""


class Worker:
    """A fresh process for one context. As a context manager, it ends the process on exit.

    :param threads: size of the thread pools of numerical libraries; runtimes take theirs from the context.
    :param timeout: limit of one request, in seconds.
    """

    def __init__(self, threads: int = 1, timeout: float = TIMEOUT) -> None:
        self._timeout = timeout
        self._replies: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 -- closed with the worker
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "voxstack_bench.process"],  # -P: import nothing from the current folder
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            encoding="utf-8",
            env={**os.environ, **dict.fromkeys(_THREAD_POOLS, str(threads)), "PYTHONUTF8": "1"},
        )
        threading.Thread(target=self._read, daemon=True).start()

    def call(self, method: str, **arguments: Any) -> Any:
        """Call a method of :class:`voxstack_bench.process.session.Session` in the worker, and return its result.

        :raises Unavailable: if the context is unavailable.
        :raises WorkerError: if the method failed, there was no reply in time, or the process ended.
        """
        try:
            assert self._process.stdin is not None
            self._process.stdin.write(json.dumps({"method": method, "arguments": arguments}) + "\n")
            self._process.stdin.flush()
        except (OSError, ValueError):  # the latter if stdin is closed
            raise self._ended(method) from None
        try:
            line = self._replies.get(timeout=self._timeout)
        except queue.Empty:
            self.close(kill=True)
            raise WorkerError(f"no reply to {method!r} within {self._timeout:g} s; allow more with --timeout") from None
        if not line:
            self._replies.put("")  # for the next call
            raise self._ended(method)
        reply = json.loads(line)
        if "error" in reply:
            raise (Unavailable if reply["unavailable"] else WorkerError)(reply["error"], reply["trace"])
        return reply["result"]

    def close(self, kill: bool = False) -> None:
        """End the process. Idempotent.

        :param kill: at once, even during a request.
        """
        if kill:
            self._process.kill()
        with contextlib.suppress(OSError):  # the process has ended and left a request unread
            if self._process.stdin is not None:
                self._process.stdin.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close(kill=error is not None)
        self._errors.close()

    def _read(self) -> None:
        """Queue the lines that the process writes, and an empty one at the end."""
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                self._replies.put(line)
        self._replies.put("")

    def _ended(self, method: str) -> WorkerError:
        try:
            status = self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = self._process.wait()
        how = f"signal {signal.Signals(-status).name}" if -status in set(signal.Signals) else f"status {status}"
        return WorkerError(f"the worker process ended during {method!r} with {how}{self._last_errors()}")

    def _last_errors(self) -> str:
        """Return the last lines that the process wrote to stderr, to end an error with."""
        if self._errors.closed:
            return ""
        self._errors.seek(0)
        lines = self._errors.read().decode("utf-8", "replace").strip().splitlines()
        return ": " + " / ".join(lines[-3:]) if lines else ""
