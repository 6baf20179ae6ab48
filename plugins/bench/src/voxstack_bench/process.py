"""The parent's side of a worker."""

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
"""Seconds that one request may take, unless said otherwise; compiling for some devices takes minutes."""

_POOLS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "NUMEXPR_NUM_THREADS")


class WorkerError(VoxstackError):
    """What was asked of a worker failed there, or the worker did; ``trace`` is its traceback, if it has one."""

    def __init__(self, told: str, trace: str = "") -> None:
        super().__init__(told)
        self.trace = trace


class Unavailable(WorkerError):
    """The context cannot be had here."""


class Worker:
    """A fresh process that one context runs in. A context manager that ends it.

    :param threads: of the thread pools of numerical libraries; runtimes have theirs from the context.
    :param timeout: seconds that a request may take.
    """

    def __init__(self, threads: int = 1, timeout: float = TIMEOUT) -> None:
        self._timeout = timeout
        self._replies: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 -- closed when the worker is
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "voxstack_bench.worker"],  # -P: nothing from the current folder is imported
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            encoding="utf-8",
            env={**os.environ, **dict.fromkeys(_POOLS, str(threads)), "PYTHONUTF8": "1"},
        )
        threading.Thread(target=self._read, daemon=True).start()

    def ask(self, do: str, **more: Any) -> Any:
        """Return what a method of :class:`voxstack_bench.work.Work` returned there.

        :raises Unavailable: if the context cannot be had.
        :raises WorkerError: if it failed, did not answer in time, or the process ended.
        """
        try:
            assert self._process.stdin is not None
            self._process.stdin.write(json.dumps({"do": do, **more}) + "\n")
            self._process.stdin.flush()
        except (OSError, ValueError):  # the latter if it has been closed
            raise self._ended(do) from None
        try:
            reply = self._replies.get(timeout=self._timeout)
        except queue.Empty:
            self.close(kill=True)
            raise WorkerError(
                f"no answer to {do!r} within {self._timeout:g} s; give it longer with --timeout"
            ) from None
        if not reply:
            self._replies.put("")  # for whoever asks again
            raise self._ended(do)
        answer = json.loads(reply)
        if "error" in answer:
            raise (Unavailable if answer["unavailable"] else WorkerError)(answer["error"], answer["trace"])
        return answer["result"]

    def close(self, kill: bool = False) -> None:
        """End the process. Closing twice is harmless."""
        if kill:
            self._process.kill()
        with contextlib.suppress(OSError):  # it has gone already, with something still in the pipe
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
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                self._replies.put(line)
        self._replies.put("")

    def _ended(self, do: str) -> WorkerError:
        try:
            status = self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = self._process.wait()
        how = f"signal {signal.Signals(-status).name}" if -status in set(signal.Signals) else f"status {status}"
        return WorkerError(f"the process of this context ended in {do!r} with {how}{self._last_words()}")

    def _last_words(self) -> str:
        if self._errors.closed:
            return ""
        self._errors.seek(0)
        lines = self._errors.read().decode("utf-8", "replace").strip().splitlines()
        return ": " + " / ".join(lines[-3:]) if lines else ""
