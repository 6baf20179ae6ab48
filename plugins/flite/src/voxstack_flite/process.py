"""The worker process that runs Flite, as its parent sees it."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from voxstack import VoxstackError

if TYPE_CHECKING:
    import subprocess

WORKER = Path(__file__).with_name("worker.py")
STOP = bytes(4)
"""A request of length 0."""


def worker_command() -> list[str]:
    """Return the command that starts a worker.

    The worker runs by its file and without site packages: importing voxstack there would take many times as long.
    """
    return [sys.executable, "-I", "-S", str(WORKER)]


class Reply(NamedTuple):
    """A part of the reply to a request: ``p``, phones; ``s``, samples; ``r``, the result, which is the last part."""

    kind: str
    contents: bytes

    def json(self) -> Any:
        """Return the phones or the result."""
        return json.loads(self.contents)


class FliteProcess:
    """A worker process, which runs one request at a time; callers wait for each other.

    It starts when it is first needed, and again after it has died. It ends with this process, however that ends: its
    standard input ends then.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._turn = threading.Lock()

    @classmethod
    @functools.cache
    def shared(cls) -> FliteProcess:
        """Return the worker of this process."""
        import atexit

        shared = cls()
        atexit.register(shared.end)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=shared._forget)
        return shared

    @property
    def pid(self) -> int | None:
        """Its process ID, once it has started."""
        return None if self._process is None else self._process.pid

    def check(self, voice: str) -> None:
        """Load a voice.

        :raises VoxstackError: if Flite or the voice is not installed.
        """
        self.run({"voice": voice, "tokens": [], "factors": {}}, lambda reply: None, lambda: False)

    def run(self, request: Mapping[str, Any], receive: Callable[[Reply], None], cancelled: Callable[[], bool]) -> None:
        """Wait for other callers, run a request, and pass each part of the reply to ``receive`` as it is produced.

        :param cancelled: returns whether the request is no longer wanted; it is then stopped.
        :raises VoxstackError: if Flite cannot synthesize it, or the process ends before the request is complete.
        """
        with self._turn:
            if cancelled():
                return
            process = self._started()
            done = False
            try:
                for reply in self._replies(process, request, cancelled):
                    if reply.kind == "r":
                        done, result = True, reply.json()
                        if "error" in result:
                            raise VoxstackError(f"Flite: {result['error']}")
                        return
                    receive(reply)
            finally:
                if not done:
                    self.end()

    def end(self) -> None:
        """End the process, whatever it is doing."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            _close_pipes(process)

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is not None:  # it died while it was idle
            self.end()
        if self._process is None:
            import subprocess  # takes longer to import than this plugin, which most programs only list

            self._process = subprocess.Popen(
                worker_command(), bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
        return self._process

    def _replies(
        self, process: subprocess.Popen[bytes], request: Mapping[str, Any], cancelled: Callable[[], bool]
    ) -> Iterator[Reply]:
        contents, stopped = json.dumps(request).encode(), False
        _write(process, len(contents).to_bytes(4, "little") + contents)
        while True:
            head = _read(process, 5)
            yield Reply(chr(head[0]), _read(process, int.from_bytes(head[1:], "little")))
            if not stopped and cancelled():
                stopped = True
                _write(process, STOP)

    def _forget(self) -> None:
        """Start again without a process in a forked child: it is the parent's, which the child must not keep alive."""
        process, self._process, self._turn = self._process, None, threading.Lock()
        if process is not None:
            _close_pipes(process)


def _write(process: subprocess.Popen[bytes], data: bytes) -> None:
    assert process.stdin is not None, "it is a pipe"
    with contextlib.suppress(OSError):  # it has ended, which is raised where its reply is read
        process.stdin.write(data)


def _read(process: subprocess.Popen[bytes], size: int) -> bytes:
    assert process.stdout is not None, "it is a pipe"
    contents = b""
    while len(contents) < size:
        part = process.stdout.read(size - len(contents))
        if not part:
            status = process.wait()
            how = f"signal {-status}" if status < 0 else f"status {status}"
            raise VoxstackError(
                f"Flite: its process ended before it was done ({how}); this utterance is lost, and the next one gets "
                "a new process"
            )
        contents += part
    return contents


def _close_pipes(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
