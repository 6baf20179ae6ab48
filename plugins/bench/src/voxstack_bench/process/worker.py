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
ENDING = 5.0
"""Seconds in which a process ends whose input has ended, or that was killed."""

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
        self._requests: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._replies: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 -- closed with the worker
        try:
            self._process = self._started(threads)
        except (OSError, RuntimeError) as error:
            self._errors.close()
            raise WorkerError(
                f"no worker process can be started ({error}); allow this program more processes and open files "
                "(ulimit -u, ulimit -n, the limits of its container), then try again"
            ) from error

    def _started(self, threads: int) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "voxstack_bench.process"],  # -P: import nothing from the current folder
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            encoding="utf-8",
            errors="replace",
            env={**os.environ, **dict.fromkeys(_THREAD_POOLS, str(threads)), "PYTHONUTF8": "1"},
        )
        try:  # both pipes may block for ever, so that each has a thread
            threading.Thread(target=self._write, args=(process,), daemon=True).start()
            threading.Thread(target=self._read, args=(process,), daemon=True).start()
        except RuntimeError:
            self._requests.put(None)
            process.kill()
            process.wait(ENDING)
            raise
        return process

    def call(self, method: str, **arguments: Any) -> Any:
        """Call a method of :class:`voxstack_bench.process.session.Session` in the worker, and return its result.

        :raises Unavailable: if the context is unavailable.
        :raises WorkerError: if the method failed, there was no reply in time, or the process ended.
        """
        self._requests.put(json.dumps({"method": method, "arguments": arguments}) + "\n")
        try:
            line = self._replies.get(timeout=self._timeout)
        except queue.Empty:
            self.close(kill=True)
            raise WorkerError(f"no reply to {method!r} within {self._timeout:g} s; allow more with --timeout") from None
        if not line:
            self._replies.put("")  # for the next call
            raise self._ended(method)
        try:
            reply = json.loads(line)
            if "error" in reply:
                raise (Unavailable if reply["unavailable"] else WorkerError)(reply["error"], reply["trace"])
            return reply["result"]
        except (ValueError, TypeError, KeyError) as error:
            self.close(kill=True)
            raise WorkerError(f"the worker process replied to {method!r} with something else: {line[:80]!r}") from error

    def close(self, kill: bool = False) -> None:
        """End the process. Idempotent.

        :param kill: at once, even during a request.
        """
        if kill:
            self._process.kill()
        self._requests.put(None)
        try:
            self._process.wait(ENDING)
        except subprocess.TimeoutExpired:
            self._process.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):  # the system ends it later
                self._process.wait(ENDING)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.close(kill=error is not None)
        finally:
            self._errors.close()

    def _write(self, process: subprocess.Popen[str]) -> None:
        """Write the requests to the process, and close its input at the end."""
        assert process.stdin is not None
        # an OSError: it has ended, which is reported where its reply is read
        with contextlib.suppress(OSError), process.stdin as lines:
            while (line := self._requests.get()) is not None:
                lines.write(line)
                lines.flush()

    def _read(self, process: subprocess.Popen[str]) -> None:
        """Queue the lines that the process writes, and an empty one at the end."""
        assert process.stdout is not None
        with process.stdout as lines:
            for line in lines:
                self._replies.put(line)
        self._replies.put("")

    def _ended(self, method: str) -> WorkerError:
        self.close()
        status = self._process.poll()
        if status is None:
            how = "no status"
        elif -status in set(signal.Signals):
            how = f"signal {signal.Signals(-status).name}"
        else:
            how = f"status {status}"
        return WorkerError(f"the worker process ended during {method!r} with {how}{self._last_errors()}")

    def _last_errors(self) -> str:
        """Return the last lines that the process wrote to stderr, to end an error with."""
        if self._errors.closed:
            return ""
        self._errors.seek(0)
        lines = self._errors.read().decode("utf-8", "replace").strip().splitlines()
        return ": " + " / ".join(lines[-3:]) if lines else ""
