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

from voxstack import CapacityError, VoxstackError
from voxstack_flite.pipes import Pipes

if TYPE_CHECKING:
    import subprocess

WORKER = Path(__file__).with_name("worker.py")
STOP = bytes(4)
"""A request of length 0."""
SILENCE = 30.0
"""Seconds without a sign of life after which the process is ended. Flite plans a sentence in a second at most."""
KINDS = frozenset("psr")
REUSED = 0.2
"""The part of this time after which a process that was idle before is replaced, if it has not replied at all."""
LOST = "this utterance is lost, and the next one gets a new process"


def worker_command() -> list[str]:
    """Return the command that starts a worker.

    The worker runs by its file and without site packages: importing voxstack there would take many times as long.

    :raises VoxstackError: in an interpreter that is embedded in another program.
    """
    if not sys.executable:
        raise VoxstackError("Flite runs in a process of Python, and sys.executable names none; set it")
    return [sys.executable, "-I", "-S", str(WORKER)]


class ProcessLost(VoxstackError):
    """The process ended, or was ended, before it was done."""


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

    :param silence: seconds after which a process that gives no sign of life is ended.
    """

    def __init__(self, silence: float = SILENCE) -> None:
        self.silence = silence
        self._process: subprocess.Popen[bytes] | None = None
        self._turn = threading.Lock()

    @classmethod
    @functools.cache
    def shared(cls) -> FliteProcess:
        """Return the worker of this process."""
        import atexit

        shared = cls()
        atexit.register(shared.kill)
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
        :raises VoxstackError: if Flite cannot synthesize it, or the process ends before the request is complete or
            gives no sign of life.
        :raises CapacityError: if no process can be started.
        """
        with self._turn:  # each caller's request ends: the process replies, or is ended
            if cancelled() or self._answers(request, receive, cancelled):
                return
            self._run(self._started(), request, receive, cancelled, self.silence)

    def _answers(
        self, request: Mapping[str, Any], receive: Callable[[Reply], None], cancelled: Callable[[], bool]
    ) -> bool:
        """Run a request in the process that is there; return False if it does not reply, or does not exist."""
        if self._process is None:
            return False
        replied = False

        def receive_first(reply: Reply) -> None:
            nonlocal replied
            replied = True
            receive(reply)

        try:
            self._run(self._started(), request, receive_first, cancelled, self.silence * REUSED)
        except ProcessLost:
            if replied:
                raise
            return False
        return True

    def _run(
        self,
        process: subprocess.Popen[bytes],
        request: Mapping[str, Any],
        receive: Callable[[Reply], None],
        cancelled: Callable[[], bool],
        first_silence: float,
    ) -> None:
        done = False
        try:
            for reply in self._replies(process, request, cancelled, first_silence):
                if reply.kind == "r":
                    done, result = True, reply.json()
                    if "error" in result:
                        raise VoxstackError(f"Flite: {result['error']}")
                    return
                receive(reply)
        finally:
            if not done:
                self.end()

    def kill(self) -> None:
        """Make the process end, whatever it is doing, and whichever thread reads its reply. Takes no lock."""
        process = self._process
        if process is not None:
            process.kill()

    def end(self) -> None:
        """End the process, whatever it is doing, while nothing reads its reply."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            with contextlib.suppress(Exception):  # it is not gone yet; the system ends it later
                process.wait(1)
            _close_pipes(process)

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is not None:  # it died while it was idle
            self.end()
        if self._process is None:
            import subprocess  # takes longer to import than this plugin, which most programs only list

            try:
                self._process = subprocess.Popen(
                    worker_command(),
                    bufsize=0,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                )
            except (OSError, RuntimeError) as error:
                raise CapacityError(
                    f"Flite: its process cannot be started ({error}); allow this program more processes and open files "
                    "(ulimit -u, ulimit -n, the limits of its container), then try again"
                ) from error
        return self._process

    def _replies(
        self,
        process: subprocess.Popen[bytes],
        request: Mapping[str, Any],
        cancelled: Callable[[], bool],
        first_silence: float,
    ) -> Iterator[Reply]:
        assert process.stdin is not None, "it is a pipe"
        assert process.stdout is not None, "it is a pipe"
        pipes = Pipes(process.stdin, process.stdout, first_silence)
        contents, stopped = json.dumps(request).encode(), False
        try:
            _write(pipes, len(contents).to_bytes(4, "little") + contents)
            while True:
                head = pipes.read(5)
                pipes.silence = self.silence
                if chr(head[0]) not in KINDS:
                    raise ProcessLost(f"Flite: its process replied {head!r}, which is no reply; {LOST}")
                yield Reply(chr(head[0]), pipes.read(int.from_bytes(head[1:], "little")))
                if not stopped and cancelled():
                    stopped = True
                    _write(pipes, STOP)
        except TimeoutError:
            raise ProcessLost(
                f"Flite: its process gave no sign of life for {pipes.silence:g} s, and was ended; {LOST}"
            ) from None
        except EOFError:
            raise ProcessLost(f"Flite: its process ended before it was done ({_how(process)}); {LOST}") from None

    def _forget(self) -> None:
        """Start again without a process in a forked child: it is the parent's, which the child must not keep alive."""
        process, self._process, self._turn = self._process, None, threading.Lock()
        if process is not None:
            process.returncode = 0  # so that no method signals it or waits for it
            _close_pipes(process)


def _write(pipes: Pipes, data: bytes) -> None:
    try:
        pipes.write(data)
    except TimeoutError:
        raise
    except OSError:  # it has ended, which is raised where its reply is read
        return


def _how(process: subprocess.Popen[bytes]) -> str:
    """Return how a process ended, which has closed its output."""
    with contextlib.suppress(Exception):  # it is still there
        status = process.wait(1)
        return f"signal {-status}" if status < 0 else f"status {status}"
    return "it closed its output"


def _close_pipes(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
