"""A worker process, as its parent sees it."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from voxstack import NetworkError

if TYPE_CHECKING:
    import subprocess

WORKER = Path(__file__).with_name("worker.py")
GRACE = 1.0
"""Seconds to wait for a process that has closed a connection to end by itself, so that it is known how it did."""
PATIENCE = 10.0
"""Seconds to wait for a process that was killed to be gone."""


class ProcessEndedError(Exception):
    """A process ended before it answered.

    :param process: the process.
    """

    def __init__(self, process: WorkerProcess) -> None:
        super().__init__(process.end)
        self.process = process


class WorkerProcess:
    """One worker process and the connections to it, each for one exchange at a time.

    It ends when it is killed, when its parent ends, and when an exchange is not completed.

    :param memory: MB that it may allocate.
    :raises NetworkError: if it cannot be started.
    """

    def __init__(self, memory: int) -> None:
        self.opened: set[int] = set()
        """Numbers of the networks that it has opened."""
        self.interrupted = False
        """Whether this process ended it."""
        self._gone = threading.Event()
        self._connections: list[socket.socket] = []
        self._free: deque[socket.socket] = deque()
        self._closed = False
        try:
            self._control, self._lifeline, self._process = _start(memory)
        except OSError as error:
            raise NetworkError(f"a process for isolated networks cannot be started: {error}") from error
        try:
            threading.Thread(target=self._watch, name="voxstack-isolation", daemon=True).start()
        except RuntimeError as error:
            self.close()
            self._process.wait()
            raise NetworkError(f"no thread can be started for isolated networks: {error}") from error

    @property
    def pid(self) -> int:
        """Its process ID."""
        return self._process.pid

    @property
    def usable(self) -> bool:
        """True if it can take another request."""
        return not (self.interrupted or self._gone.is_set())

    @property
    def end(self) -> str:
        """The way in which it ended: the name of a signal, or a status."""
        status = self._process.returncode
        if status is None:
            return "it does not end"
        with contextlib.suppress(ValueError):
            return signal.Signals(-status).name if status < 0 else f"status {status}"
        return f"signal {-status}"

    def interrupt(self) -> None:
        """Kill it on purpose. Takes no lock."""
        self.interrupted = True
        self._process.kill()

    @contextmanager
    def connection(self) -> Iterator[socket.socket]:
        """Lend a connection for one exchange. Unless that is completed, the process ends.

        :raises ProcessEndedError: if the process ends meanwhile.
        :raises NetworkError: if there can be no more connections.
        """
        connection = self._take()
        try:
            yield connection
        except BaseException as error:
            ended = isinstance(error, EOFError | OSError) and not isinstance(error, TimeoutError)
            self._end_with(connection, interrupt=not ended)
            if ended:
                raise ProcessEndedError(self) from error
            raise
        self._free.append(connection)
        if self._closed:
            self._close_free()

    def close(self) -> None:
        """Kill it and close what is not in use. Takes no lock, and waits for nothing."""
        self._closed = True
        self._process.kill()
        self._close_files()

    def abandon(self) -> None:
        """Cut a forked child off from this process, which is its parent's."""
        self._closed = True
        self._process.returncode = 0  # the child must not wait for it
        self._close_files()
        for connection in self._connections:
            connection.close()

    def _end_with(self, connection: socket.socket, interrupt: bool) -> None:
        """End the process, and close a connection that is out of step."""
        self.interrupted = self.interrupted or interrupt
        if interrupt or not self._gone.wait(GRACE):
            self._process.kill()
        if self._gone.wait(PATIENCE):  # until then, its number must not go to another file
            connection.close()

    def _take(self) -> socket.socket:
        with contextlib.suppress(IndexError):
            return self._free.pop()
        try:
            ours, theirs = socket.socketpair()
        except OSError as error:
            raise NetworkError(f"no connection to an isolated network can be made: {error}") from error
        self._connections.append(ours)
        with theirs, contextlib.suppress(OSError):  # it has ended, which is raised where its answer is read
            socket.send_fds(self._control, [b"c"], [theirs.fileno()])
        if self._gone.is_set():
            ours.shutdown(socket.SHUT_RDWR)
        return ours

    def _watch(self) -> None:
        """Wait for the end, so that nothing is left of the process, and wake those that wait for its answers.

        They would wait for ever if another process, forked meanwhile, had its ends of their connections.
        """
        self._process.wait()
        for connection in self._connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._gone.set()

    def _close_files(self) -> None:
        self._control.close()
        lifeline, self._lifeline = self._lifeline, -1
        if lifeline >= 0:
            os.close(lifeline)
        self._close_free()

    def _close_free(self) -> None:
        while self._free:
            with contextlib.suppress(IndexError):
                self._free.pop().close()


def _start(memory: int) -> tuple[socket.socket, int, subprocess.Popen[bytes]]:
    """Start a process; return the control connection to it, and the file that ends it when it is closed."""
    import subprocess  # takes longer to import than this plugin, which most programs only list

    control, theirs = socket.socketpair()
    try:
        with theirs:
            end, lifeline = os.pipe()
            try:
                command = [sys.executable, "-P", str(WORKER), str(theirs.fileno()), str(memory)]
                process = subprocess.Popen(
                    command,
                    stdin=end,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    pass_fds=[theirs.fileno()],
                    env={**os.environ, "VOXSTACK_CACHE": ""},  # what it writes there, other processes would trust
                )
            except BaseException:
                os.close(lifeline)
                raise
            finally:
                os.close(end)
    except BaseException:
        control.close()
        raise
    return control, lifeline, process
