"""A worker process that runs espeak-ng, as its parent sees it."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from voxstack import VoxstackError
from voxstack_espeak.library_paths import LibraryPaths

WORKER = Path(__file__).with_name("worker.py")


def worker_command(paths: LibraryPaths) -> list[str]:
    """Return the command that starts a worker.

    The worker runs by its file and without site packages: importing voxstack there would take ten times as long.
    """
    return [sys.executable, "-I", "-S", str(WORKER), *paths]


class Reply(NamedTuple):
    """A part of the reply to a request: ``e``, events; ``s``, samples; ``r``, the result, which is the last part."""

    kind: str
    contents: bytes

    def json(self) -> Any:
        """Return the events or the result."""
        return json.loads(self.contents)


class EspeakProcess:
    """A worker process, which runs one request at a time.

    It ends with this process, however that ends: its standard input ends then.
    """

    def __init__(self, command: Sequence[str]) -> None:
        import subprocess  # takes longer to import than this plugin, which most programs only list

        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self._done = True

    @property
    def ready(self) -> bool:
        """True if it can take a request: it is alive, and has completed the previous one."""
        return self._done and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Its process ID."""
        return self._process.pid

    def run(self, request: Mapping[str, Any]) -> Iterator[Reply]:
        """Run a request, and yield the parts of the reply on demand; the worker computes only a little ahead.

        :raises VoxstackError: if the process ends before the request is complete, or cannot load espeak-ng.
        """
        self._done = False
        self._write(request)
        while True:
            head = self._read(5)
            reply = Reply(chr(head[0]), self._read(int.from_bytes(head[1:], "little")))
            if reply.kind == "r":
                result = reply.json()
                self._done = not result.get("last", True)
                if "error" in result:
                    raise VoxstackError(f"espeak-ng cannot be loaded: {result['error']}")
                yield reply
                return
            yield reply

    def end(self) -> None:
        """End the process, whatever it is doing."""
        self._process.kill()
        self._process.wait()
        for pipe in self._pipes():
            with contextlib.suppress(OSError):  # a request that it did not read
                pipe.close()

    def detach(self) -> None:
        """Cut a forked child off from a process of its parent, which it must neither disturb nor keep alive.

        Takes no lock, since a thread that the child lacks may hold that of a pipe; so the pipes stay open, but lead
        nowhere.
        """
        nowhere = os.open(os.devnull, os.O_RDWR)
        for pipe in self._pipes():
            if not pipe.closed:
                os.dup2(nowhere, pipe.fileno(), inheritable=False)
        os.close(nowhere)

    def _pipes(self) -> list[Any]:
        return [self._process.stdin, self._process.stdout]

    def _write(self, request: Mapping[str, Any]) -> None:
        assert self._process.stdin is not None, "it is a pipe"
        contents = json.dumps(request).encode()
        with contextlib.suppress(OSError):  # it has ended, which is raised where its reply is read
            self._process.stdin.write(len(contents).to_bytes(4, "little") + contents)
            self._process.stdin.flush()

    def _read(self, size: int) -> bytes:
        assert self._process.stdout is not None, "it is a pipe"
        contents = self._process.stdout.read(size)
        if len(contents) < size:
            status = self._process.wait()
            how = f"signal {-status}" if status < 0 else f"status {status}"
            raise VoxstackError(
                f"the process of espeak-ng ended before it was done ({how}); this utterance is lost, and the next "
                "one gets a new process"
            )
        return contents
