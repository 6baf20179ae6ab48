"""A worker process that runs espeak-ng, as its parent sees it."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from voxstack import CapacityError, VoxstackError
from voxstack.streaming.turn import check_cancelled, interruptible
from voxstack_espeak.library_paths import LibraryPaths
from voxstack_espeak.pipes import Pipes

if TYPE_CHECKING:
    import subprocess

WORKER = Path(__file__).with_name("worker.py")
SILENCE = 20.0
"""Seconds without a sign of life after which a process is ended. espeak-ng replies every few milliseconds."""
KINDS = frozenset("ecwsr")
REUSED = 0.2
"""The part of this time after which a process that was idle before is replaced, if it has not replied at all."""
LOST = "this utterance is lost, and the next one gets a new process"


def worker_command(paths: LibraryPaths) -> list[str]:
    """Return the command that starts a worker.

    The worker runs by its file and without site packages: importing voxstack there would take ten times as long.

    :raises VoxstackError: in an interpreter that is embedded in another program.
    """
    if not sys.executable:
        raise VoxstackError("espeak-ng runs in processes of Python, and sys.executable names none; set it")
    return [sys.executable, "-I", "-S", str(WORKER), *paths]


class ProcessLost(VoxstackError):
    """A process ended, or was ended, before it was done."""


class Reply(NamedTuple):
    """A part of the reply to a request: ``e``, events; ``c``, clauses; ``w``, words; ``s``, samples; ``r``, the result.

    The result comes last.
    """

    kind: str
    contents: bytes

    def json(self) -> Any:
        """Return the events, the clauses, the words or the result."""
        return json.loads(self.contents)


class EspeakProcess:
    """A worker process, which runs one request at a time.

    It ends with this process, however that ends: its standard input ends then.

    :param silence: seconds after which a process that gives no sign of life is ended.
    :raises CapacityError: if no process can be started.
    """

    def __init__(self, command: Sequence[str], silence: float = SILENCE) -> None:
        self._process = _started(command)
        assert self._process.stdin is not None, "it is a pipe"
        assert self._process.stdout is not None, "it is a pipe"
        self._pipes = Pipes(self._process.stdin, self._process.stdout, silence)
        self._silence = silence
        self._done = True
        self.used = False
        """Whether it has completed a request before."""

    @property
    def ready(self) -> bool:
        """True if it can take a request: it is alive, and has completed the previous one."""
        return self._done and self._process.poll() is None

    @property
    def gone(self) -> bool:
        """True if it has ended, and the system has forgotten it."""
        return self._process.poll() is not None

    @property
    def pid(self) -> int:
        """Its process ID."""
        return self._process.pid

    def run(self, request: Mapping[str, Any]) -> Iterator[Reply]:
        """Run a request, and yield the parts of the reply on demand; the worker computes only a little ahead.

        :raises ProcessLost: if the process ends before the request is complete, or gives no sign of life.
        :raises VoxstackError: if it cannot load espeak-ng.
        """
        self._done = False
        self._pipes.silence = self._silence * (REUSED if self.used else 1)
        contents = json.dumps(request).encode()
        self._send(len(contents).to_bytes(4, "little") + contents)
        while True:
            reply = self._receive()
            self._pipes.silence = self._silence
            if reply.kind == "r":
                result = reply.json()
                self._done = self.used = not result.get("last", True)
                if "error" in result:
                    raise VoxstackError(f"espeak-ng cannot be loaded: {result['error']}")
                yield reply
                return
            yield reply

    def kill(self) -> None:
        """Make the process end, whatever it is doing, and whichever thread reads its reply. Takes no lock."""
        self._process.kill()

    def end(self) -> None:
        """End the process, whatever it is doing, without waiting for that, while nothing reads its reply."""
        self._process.kill()
        self._pipes.close()

    def detach(self) -> None:
        """Cut a forked child off from a process of its parent, which it must neither disturb nor keep alive."""
        self._process.returncode = 0  # so that no method signals it or waits for it
        self._pipes.close()

    def _send(self, contents: bytes) -> None:
        try:
            with interruptible(self.kill):
                self._pipes.write(contents)
        except TimeoutError:
            raise self._silent() from None
        except OSError:  # it has ended, which is raised where its reply is read
            return

    def _receive(self) -> Reply:
        check_cancelled()
        head = self._read(5)
        if chr(head[0]) not in KINDS:
            self.kill()
            raise ProcessLost(f"the process of espeak-ng replied {head!r}, which is no reply; {LOST}")
        return Reply(chr(head[0]), self._read(int.from_bytes(head[1:], "little")))

    def _read(self, size: int) -> bytes:
        if self._pipes.received >= size:
            return self._pipes.read(size)
        try:
            with interruptible(self.kill):
                return self._pipes.read(size)
        except TimeoutError:
            raise self._silent() from None
        except EOFError:
            check_cancelled()
            raise ProcessLost(f"the process of espeak-ng ended before it was done ({self._how()}); {LOST}") from None

    def _silent(self) -> ProcessLost:
        self.kill()
        return ProcessLost(
            f"the process of espeak-ng gave no sign of life for {self._pipes.silence:g} s, and was ended; {LOST}"
        )

    def _how(self) -> str:
        """Return how the process ended, which has closed its output."""
        with contextlib.suppress(Exception):  # it is still there
            status = self._process.wait(1)
            return f"signal {-status}" if status < 0 else f"status {status}"
        self.kill()
        return "it closed its output"


def _started(command: Sequence[str]) -> subprocess.Popen[bytes]:
    import subprocess  # takes longer to import than this plugin, which most programs only list

    try:
        return subprocess.Popen(
            command, bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
    except (OSError, RuntimeError) as error:
        raise CapacityError(
            f"Espeak: no process can be started for espeak-ng ({error}); end other streams, or allow this program more "
            "processes and open files (ulimit -u, ulimit -n, the limits of its container), then try again"
        ) from error
