"""The process that Flite runs in, seen from here."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from voxstack import VoxstackError

WORKER = Path(__file__).with_name("worker.py")
STOP = bytes(4)
"""A request of no length."""


class FliteProcess:
    """Says one piece of text at a time, whoever asks. It is started when it is first needed, and again when it has died, and ends
    with this process, however that ends: its input ends then."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._turn = threading.Lock()

    @classmethod
    @functools.cache
    def shared(cls) -> FliteProcess:
        """The one of this process."""
        import atexit

        shared = cls()
        atexit.register(shared.end)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=shared._forget)  # it is the parent's
        return shared

    @property
    def number(self) -> int | None:
        """Its number in the system, if it has been started."""
        return None if self._process is None else self._process.pid

    def check(self, voice: str) -> None:
        """Load a voice.

        :raises VoxstackError: if Flite or the voice is not installed.
        """
        self.say({"voice": voice, "tokens": [], "factors": {}}, lambda kind, contents: None, lambda: False)

    def say(self, request: Mapping[str, Any], take: Callable[[str, bytes], None], unwanted: Callable[[], bool]) -> None:
        """Wait for the others, and give ``take`` the kinds and contents of replies as they come, until ``unwanted`` or all is made.

        :raises VoxstackError: if Flite cannot say it, or the process ends before it is done.
        """
        with self._turn:
            if unwanted():
                return
            process = self._started()
            done = False
            try:
                for kind, contents in self._ask(process, request, unwanted):
                    if kind == "r":
                        done, result = True, json.loads(contents)
                        if "error" in result:
                            raise VoxstackError(f"Flite: {result['error']}")
                        return
                    take(kind, contents)
            finally:
                if not done:
                    self.end()

    def end(self) -> None:
        """End the process, whatever it does."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                pipe.close()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is not None:  # it died while nobody had it
            self.end()
        if self._process is None:
            # by its file and without site packages, for importing voxstack there would take many times as long
            line = [sys.executable, "-I", "-S", str(WORKER)]
            self._process = subprocess.Popen(
                line, bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
        return self._process

    def _ask(
        self, process: subprocess.Popen[bytes], request: Mapping[str, Any], unwanted: Callable[[], bool]
    ) -> Iterator[tuple[str, bytes]]:
        written, stopped = json.dumps(request).encode(), False
        self._write(process, len(written).to_bytes(4, "little") + written)
        while True:
            head = self._read(process, 5)
            yield chr(head[0]), self._read(process, int.from_bytes(head[1:], "little"))
            if not stopped and unwanted():
                stopped = True
                self._write(process, STOP)

    def _write(self, process: subprocess.Popen[bytes], data: bytes) -> None:
        with contextlib.suppress(OSError):  # it has ended, which is told where its replies are read
            process.stdin.write(data)

    def _read(self, process: subprocess.Popen[bytes], size: int) -> bytes:
        contents = b""
        while len(contents) < size:
            part = process.stdout.read(size - len(contents))
            if not part:
                status = process.wait()
                how = f"signal {-status}" if status < 0 else f"status {status}"
                raise VoxstackError(
                    f"Flite: its process ended before it was done ({how}); this utterance is lost, and the next one gets a new process"
                )
            contents += part
        return contents

    def _forget(self) -> None:
        process, self._process, self._turn = self._process, None, threading.Lock()
        if process is not None:
            for pipe in (process.stdin, process.stdout):
                pipe.close()  # else it would live as long as this process, too
