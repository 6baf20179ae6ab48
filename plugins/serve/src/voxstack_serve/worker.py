"""A worker of a service, ``python -m voxstack_serve.worker FD``: the socket FD leads to its supervisor."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import socket
import sys
from collections.abc import Iterable
from contextlib import suppress
from types import FrameType
from typing import Any

from voxstack_serve.service import Service


class Connection:
    """The connection of a worker to its supervisor.

    :param first: whether the worker listens before its voices are loaded. One that replaces another loads them first,
        as the other workers have theirs.
    """

    def __init__(self, connection: socket.socket, first: bool) -> None:
        self._connection, self._first = connection, first

    def prepare(self, service: Service) -> None:
        """Load the voices, unless this is a worker of the first generation."""
        for voice in () if self._first else service.voices():
            service.warm(voice.id)

    def send(self, message: dict[str, Any]) -> None:
        """Send a message, if the supervisor is there."""
        with suppress(OSError):  # then this worker is about to end
            self._connection.sendall(json.dumps(message).encode() + b"\n")

    def report_ready(self, voices: Iterable[str]) -> None:
        """Report that the voices are loaded."""
        self.send({"ready": list(voices)})

    async def follow(self, service: Service) -> None:
        """Load and unload voices as other workers do; end this one when the supervisor has ended."""
        service.manager.announce = lambda action, voice: self.send({action: voice})
        reader, writer = await asyncio.open_connection(sock=self._connection.dup())
        try:
            while line := await reader.readline():
                for action, voice in json.loads(line).items():
                    await service.manager.follow(action, voice)
                service.take_figures()
        finally:
            writer.close()
        signal.raise_signal(signal.SIGTERM)


def main(descriptor: int) -> int:
    """Serve until SIGTERM, and return the exit status."""
    from voxstack import VoxstackError
    from voxstack_serve.command import serve
    from voxstack_serve.logs import configure_logging
    from voxstack_serve.server import listening_socket
    from voxstack_serve.startup import report

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end)
    with socket.socket(fileno=descriptor) as connection, connection.makefile("rb", buffering=0) as lines:
        options = argparse.Namespace(**json.loads(lines.readline()))
        configure_logging(options.log_format)
        take_share(options)
        try:
            worker = Connection(connection, options.first)
            serve(options, lambda: listening_socket(options.host, options.port, shared=True), worker)
        except VoxstackError as error:
            report(f"error: {error}")
            return 1
    return 0


def take_share(options: argparse.Namespace) -> None:
    """Change the limits of all workers into those of one, in a slot; only the first announces the service."""
    for name in ("max_streams", "budget"):
        if (total := getattr(options, name)) is not None:
            setattr(options, name, total // options.workers + (options.slot < total % options.workers))
    if options.slot:
        options.announce = None


def _end(number: int, frame: FrameType | None) -> None:
    raise SystemExit(0)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
