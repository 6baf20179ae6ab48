"""A speech service in a process of its own, which refuses no stream and reports what it holds.

``python speech_server.py`` serves amber for all protocols on the loopback device until SIGTERM.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple
from weakref import WeakSet

from voxstack import Scheduler

Address = tuple[str, int]


class Held(NamedTuple):
    """What a process holds.

    :param streams: that run.
    :param admitted: streams that its scheduler counts, and ``users`` those that its voices count.
    :param audio: seconds that were ever computed.
    :param megabytes: of resident memory.
    """

    streams: float
    admitted: int
    users: int
    tasks: int
    threads: int
    handles: int
    audio: float
    megabytes: float

    @property
    def quiet(self) -> bool:
        """True if no stream runs."""
        return not (self.streams or self.admitted or self.users)


class SpeechServer(NamedTuple):
    """A process that serves; ``log`` is the lines of its log."""

    process: subprocess.Popen[str]
    http: Address
    wyoming: Address
    log: list[str]

    def held(self) -> Held:
        """Return what it holds now."""
        with urllib.request.urlopen(f"http://{self.http[0]}:{self.http[1]}/held", timeout=20) as response:
            return Held(**json.load(response))

    def settled(self, seconds: float = 30.0, quiet: bool = False) -> Held:
        """Return what it holds when it computes no more; if it is to be ``quiet``, when no stream runs."""
        end, before, equal = time.monotonic() + seconds, self.held(), 0
        while time.monotonic() < end and equal < 5 and not (quiet and before.quiet):
            time.sleep(0.2)
            after = self.held()
            equal = equal + 1 if after.audio and after.audio == before.audio else 0
            before = after
        return before


@contextmanager
def speech_server(arenas: int | None = None, measured: bool = True) -> Iterator[SpeechServer]:
    """Provide a server, which ends with the block inside.

    :param arenas: of glibc's allocator; by default one for each of the many threads of a busy hour.
    :param measured: whether it observes what clients of HTTP have read.
    """
    environment = {**os.environ, **({} if arenas is None else {"MALLOC_ARENA_MAX": str(arenas)})}
    program = [sys.executable, __file__, *([] if measured else ["--unmeasured"])]
    process = subprocess.Popen(program, stderr=subprocess.PIPE, text=True, env=environment)
    try:
        assert process.stderr is not None
        found: dict[str, Address] = {}
        for line in process.stderr:
            if match := re.match(r"(http|tcp)://(.+):(\d+) serves", line):
                found[match[1]] = match[2], int(match[3])
            if len(found) == 2:
                break
        log: list[str] = []
        threading.Thread(target=log.extend, args=[process.stderr], daemon=True).start()
        yield SpeechServer(process, found["http"], found["tcp"], log)
    finally:
        process.terminate()
        process.wait()


class Counting(Scheduler):
    """A scheduler that refuses no stream, and counts the audio that is computed."""

    def __init__(self) -> None:
        super().__init__(load=None, patience=None)
        self.departed, self.tickets = 0.0, WeakSet[Any]()

    def admit(self, *args: Any, **options: Any) -> Any:
        ticket = super().admit(*args, **options)
        self.tickets.add(ticket)
        return ticket

    def depart(self, departure: Any) -> None:
        self.departed += departure.audio
        super().depart(departure)

    def audio(self) -> float:
        """Return the seconds of audio that were ever computed."""
        return self.departed + sum(ticket.audio for ticket in list(self.tickets) if ticket._admitted)


def give_back() -> None:
    """Collect garbage, and give what the allocator keeps for later back to the system."""
    import ctypes
    import gc

    gc.collect()
    with suppress(OSError, AttributeError):  # another allocator than glibc's
        ctypes.CDLL("libc.so.6").malloc_trim(0)


def main() -> None:
    import asyncio
    import resource

    from starlette.responses import JSONResponse
    from starlette.routing import Route

    import voxstack
    from voxstack_serve import Service, elevenlabs
    from voxstack_serve.app import build_app
    from voxstack_serve.backlog import protocols
    from voxstack_serve.server import address_of, listening_socket, run
    from voxstack_serve.wyoming import WyomingServer

    scheduler = Counting()
    voices = voxstack.Voices(warm=["amber"], scheduler=scheduler)
    service = Service(voices, ["amber"])

    async def held(request: Any) -> JSONResponse:
        give_back()
        with open("/proc/self/statm") as file:
            pages = int(file.read().split()[1])
        found = Held(
            service.metrics.value("voxstack_streams_running"),
            scheduler.streams,
            sum(voice.users for voice in voices.status()),
            len(asyncio.all_tasks()),
            threading.active_count(),
            len(os.listdir("/proc/self/fd")),
            scheduler.audio(),
            pages * resource.getpagesize() / 1e6,
        )
        return JSONResponse(found._asdict())

    if "--unmeasured" in sys.argv:
        protocols.http_protocol = lambda: "auto"  # type: ignore[assignment, return-value]
    app = build_app(service, routes=[*elevenlabs.routes(service), Route("/held", held)])
    listener = listening_socket("127.0.0.1", 0)
    wyoming = WyomingServer(service, port=0)

    async def report() -> None:
        for address in (address_of(listener), f"tcp://{wyoming.host}:{wyoming.port}"):
            print(f"{address} serves", file=sys.stderr, flush=True)

    run(app, listener, 1.0, wyoming, jobs=[report])


if __name__ == "__main__":
    main()
