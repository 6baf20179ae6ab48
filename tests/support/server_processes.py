"""Speech services in processes of their own, which tests kill."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class ServerProcess:
    """A service of one voice on the loopback device; it is ready once :attr:`url` returns.

    :param port: 0: a free one.
    """

    def __init__(self, voice: str = "amber", port: int = 0) -> None:
        program = [sys.executable, "-m", "voxstack_cli", "serve", "--voice", voice, "--port", str(port)]
        self._process = subprocess.Popen(program, stderr=subprocess.PIPE, text=True)
        self._url = ""

    @property
    def url(self) -> str:
        """The address, once it serves."""
        assert self._process.stderr is not None
        while not self._url:
            line = self._process.stderr.readline()
            assert line, "it ended without an address"
            if found := re.match(r"(http://\S+) serves ", line):
                self._url = found[1]
        return self._url

    @property
    def port(self) -> int:
        """The port, once it serves."""
        return int(self.url.rpartition(":")[2])

    def figure(self, name: str) -> float:
        """Return one of its figures; 0 if it counts nothing under that name yet."""
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=60) as response:
            rows = dict(line.rpartition(" ")[::2] for line in response.read().decode().splitlines())
        return float(rows.get(name, 0))

    def kill(self) -> None:
        """End it as a crash does: nothing is completed, and connections are reset."""
        with suppress(ProcessLookupError):
            os.kill(self._process.pid, signal.SIGKILL)
        self._process.wait()
        if self._process.stderr is not None:
            self._process.stderr.close()


@contextmanager
def server_processes(*voices: str) -> Iterator[list[ServerProcess]]:
    """Provide services that start at the same time, and kill those that are left."""
    found = [ServerProcess(voice) for voice in voices]
    try:
        for process in found:
            _ = process.url
        yield found
    finally:
        for process in found:
            process.kill()
