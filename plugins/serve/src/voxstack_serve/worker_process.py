"""A worker as its supervisor sees it: a new interpreter at the other end of a pair of sockets."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from typing import Any, Self

from voxstack_serve.metrics import DIRECTORY


class WorkerProcess:
    """A process that runs :mod:`voxstack_serve.worker`; it ends when its supervisor does.

    :param directory: of the figures that workers share.
    """

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        directory: str,
    ) -> None:
        self.process = process
        self._reader, self._writer, self._directory = reader, writer, directory

    @classmethod
    async def start(cls, options: Mapping[str, Any], directory: str) -> Self:
        """Start a worker, and send it its options: arguments are visible to other users of the machine.

        :raises OSError: if no process can be started.
        """
        own, others = socket.socketpair()
        with others:
            try:
                process = subprocess.Popen(
                    [sys.executable, "-m", "voxstack_serve.worker", str(others.fileno())],
                    pass_fds=[others.fileno()],
                    process_group=0,  # else a terminal would send them its signals, besides the supervisor
                    env={**os.environ, DIRECTORY: directory},
                )
            except BaseException:
                own.close()
                raise
        reader, writer = await asyncio.open_connection(sock=own)
        worker = cls(process, reader, writer, directory)
        worker.send(json.dumps(options).encode() + b"\n")
        return worker

    def send(self, line: bytes) -> None:
        """Send a message, unless the worker has ended."""
        if not self._writer.is_closing():
            self._writer.write(line)

    async def messages(self) -> AsyncIterator[dict[str, Any]]:
        """Yield the messages of the worker."""
        while line := await self._reader.readline():
            yield json.loads(line)

    async def wait(self) -> int:
        """Wait for the end of the worker, and return its exit status, below 0 for a signal."""
        while (code := self.process.poll()) is None:
            await asyncio.sleep(0.05)
        return code

    def close(self) -> None:
        """Close the connection, and take the worker that has ended out of the figures of what runs."""
        from prometheus_client.multiprocess import mark_process_dead

        self._writer.close()
        mark_process_dead(self.process.pid, self._directory)  # type: ignore[no-untyped-call]
