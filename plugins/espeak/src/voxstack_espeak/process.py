"""One process that speaks."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from voxstack import VoxstackError
from voxstack_espeak.library import Library

WORKER = Path(__file__).with_name("worker.py")


def command(library: Library) -> list[str]:
    """What starts a worker: by its file and without site packages, for importing voxstack there would take ten times as long."""
    return [sys.executable, "-I", "-S", str(WORKER), *library]


class Reply(NamedTuple):
    """A part of what was asked for: ``e``, events; ``s``, samples; ``r``, the result, and nothing after it."""

    kind: str
    contents: bytes

    def read(self) -> Any:
        """The JSON of events or of a result."""
        return json.loads(self.contents)


class Process:
    """A worker, which does one request at a time. It ends with this process, however that ends: its input ends then."""

    def __init__(self, line: Sequence[str]) -> None:
        self._process = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self._done = True

    @property
    def ready(self) -> bool:
        """Whether it can take a request: it has done the one before, and lives."""
        return self._done and self._process.poll() is None

    @property
    def number(self) -> int:
        """Its number in the system."""
        return self._process.pid

    def ask(self, request: Mapping[str, Any]) -> Iterator[Reply]:
        """Yield what is made, as it is asked for: nothing is made that is far ahead of it.

        :raises VoxstackError: if the process ends before it is done, or has no library.
        """
        self._done = False
        written = json.dumps(request).encode()
        with contextlib.suppress(OSError):  # it has ended, and may have said why
            self._process.stdin.write(len(written).to_bytes(4, "little") + written)
            self._process.stdin.flush()
        while True:
            head = self._read(5)
            reply = Reply(chr(head[0]), self._read(int.from_bytes(head[1:], "little")))
            if reply.kind == "r":
                result = reply.read()
                self._done = not result.get("last", True)
                if "error" in result:
                    raise VoxstackError(f"espeak-ng cannot be loaded: {result['error']}")
                yield reply
                return
            yield reply

    def end(self) -> None:
        """End the process, whatever it does."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):  # a request that it did not read
                pipe.close()

    def _read(self, size: int) -> bytes:
        contents = self._process.stdout.read(size)
        if len(contents) < size:
            status = self._process.wait()
            how = f"signal {-status}" if status < 0 else f"status {status}"
            raise VoxstackError(
                f"the process of espeak-ng ended before it was done ({how}); this utterance is lost, and the next one gets a new process"
            )
        return contents
