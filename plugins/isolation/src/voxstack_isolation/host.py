"""The processes of isolated networks: one for all networks of an addon, started again when it has ended."""

from __future__ import annotations

import functools
import itertools
import threading
from collections import deque
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from weakref import WeakValueDictionary

from voxstack.streaming.forks import renew_after_fork
from voxstack.streaming.turn import check_cancelled
from voxstack_isolation.process import WorkerProcess

POLL = 0.05
"""Seconds between two looks at the deadline of a stream that waits for a process to start."""


class Interruption:
    """Ends whatever process a call uses, now or later."""

    def __init__(self) -> None:
        self.happened = False
        self._process: WorkerProcess | None = None

    def __call__(self) -> None:
        """Interrupt. Takes no lock."""
        self.happened = True
        if self._process is not None:
            self._process.interrupt()

    def use(self, process: WorkerProcess) -> None:
        """Apply to a process from now on."""
        self._process = process
        if self.happened:
            process.interrupt()


class Host:
    """The process of the networks of one addon. It starts when it is needed, and ends with the last of them.

    :param memory: MB that it may allocate.
    """

    def __init__(self, memory: int) -> None:
        self.memory = memory
        self.starts = 0
        self.dropped: deque[int] = deque()
        """Numbers of networks that are no longer referenced, and may still be open."""
        self._process: WorkerProcess | None = None
        self._lock = threading.Lock()
        renew_after_fork(self)

    def __del__(self) -> None:
        if self._process is not None:
            self._process.close()

    @property
    def pid(self) -> int | None:
        """ID of the process, if one is running."""
        process = self._process
        return process.pid if process is not None and process.usable else None

    def after_fork(self) -> None:
        """Start again without a process in a forked child: it is the parent's."""
        process, self._process, self._lock = self._process, None, threading.Lock()
        if process is not None:
            process.abandon()

    def process(
        self, number: int, open_network: Callable[[WorkerProcess], None], interruption: Interruption
    ) -> WorkerProcess:
        """Return the process, after it has opened a network; start it if there is missing.

        :param number: of the network.
        :param open_network: opens it.
        :param interruption: of the call; it may end the wait.
        """
        process = self._process
        if process is not None and process.usable and number in process.opened:
            interruption.use(process)
            return process
        with self._exclusively():
            process = self._running()
            interruption.use(process)
            if number not in process.opened:
                open_network(process)
                process.opened.add(number)
        return process

    def _running(self) -> WorkerProcess:
        process = self._process
        if process is None or not process.usable:
            self._process = None
            if process is not None:
                process.close()
            self._process = process = WorkerProcess(self.memory)
            self.starts += 1
        return process

    @contextmanager
    def _exclusively(self) -> Iterator[None]:
        lock = self._lock
        while not lock.acquire(timeout=POLL):
            check_cancelled()
        try:
            yield
        finally:
            lock.release()


class Hosts:
    """The hosts in use, by the addon and the memory of their networks."""

    def __init__(self) -> None:
        self._hosts: WeakValueDictionary[Hashable, Host] = WeakValueDictionary()
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        renew_after_fork(self)

    @classmethod
    @functools.cache
    def shared(cls) -> Hosts:
        """Return the hosts of this process."""
        return cls()

    def after_fork(self) -> None:
        """Renew the lock: who held it in the parent is gone."""
        self._lock = threading.Lock()

    def host(self, files: Hashable, memory: int) -> Host:
        """Return the host for an addon.

        :param files: equal for networks of the same addon.
        """
        with self._lock:
            host = self._hosts.get((files, memory))
            if host is None:
                host = self._hosts[files, memory] = Host(memory)
        return host

    def number(self) -> int:
        """Return a number that no other network has."""
        return next(self._numbers)
