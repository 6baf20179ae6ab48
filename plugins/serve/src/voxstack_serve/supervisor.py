"""Several processes that serve one port: each that ends is replaced, until a signal ends all."""

from __future__ import annotations

import asyncio
import json
import signal
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import FrameType
from typing import Any

from voxstack import VoxstackError
from voxstack_serve.worker_process import WorkerProcess

PAUSES = (1.0, 30.0)
"""Seconds before a worker is replaced that ended soon: the first time, and at most."""

SOON = 10.0
"""Seconds: a worker that lives as long is replaced at once."""

PATIENCE = 10.0
"""Seconds in which a worker ends after what runs has been completed or cancelled; then it is killed."""


class Supervisor:
    """Runs workers, each in a slot, and passes messages of one on to the others.

    :param options: of the command, which all workers receive.
    :param grace: seconds after a signal in which they complete what runs.
    :param report: receives lines for who runs the service.
    :param on_ready: is called with the ids of the voices when all workers of the first generation are ready.
    """

    def __init__(
        self,
        count: int,
        options: Mapping[str, Any],
        grace: float,
        report: Callable[[str], None],
        on_ready: Callable[[list[str]], None],
    ) -> None:
        self._count, self._options, self._grace = count, options, grace
        self._report, self._on_ready = report, on_ready
        self._running: dict[int, WorkerProcess] = {}
        self._ready: set[int] = set()
        self._reported = False
        self._stopping = asyncio.Event()
        self._failure: VoxstackError | None = None
        self._signals: list[int] = []

    def run(self) -> None:
        """Run the workers until SIGTERM or SIGINT, which is raised again when all have ended.

        :raises VoxstackError: if a worker of the first generation fails before it is ready: all would.
        """
        with tempfile.TemporaryDirectory(prefix="voxstack-metrics-") as directory:
            asyncio.run(self._run(directory))
        for number in self._signals[:1]:
            signal.raise_signal(number)
        if self._failure is not None:
            raise self._failure

    async def _run(self, directory: str) -> None:
        loop = asyncio.get_running_loop()

        def receive(number: int, frame: FrameType | None) -> None:
            self._signals.append(number)
            loop.call_soon_threadsafe(self._stop, number)

        before = {number: signal.signal(number, receive) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            slots = [asyncio.create_task(self._keep(slot, directory)) for slot in range(self._count)]
            await asyncio.wait(
                [asyncio.create_task(self._stopping.wait()), *slots], return_when=asyncio.FIRST_COMPLETED
            )
            if not self._stopping.is_set():  # a slot has failed
                self._stop(signal.SIGTERM)
            _, late = await asyncio.wait(slots, timeout=self._grace + PATIENCE)
            for worker in self._running.values() if late else ():
                self._report(f"worker {worker.process.pid} does not end, and is killed")
                worker.process.kill()
            await asyncio.gather(*slots)
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _stop(self, number: int) -> None:
        """Let the workers end in order; a second SIGINT ends them at once, as it does in a single process."""
        is_first = not self._stopping.is_set()
        self._stopping.set()
        for worker in self._running.values():
            worker.process.send_signal(signal.SIGTERM if is_first else number)

    async def _keep(self, slot: int, directory: str) -> None:
        """Keep a slot filled."""
        first, pause = True, 0.0
        while not self._stopping.is_set():
            began = asyncio.get_running_loop().time()
            code = await self._work(slot, first, directory)
            if self._stopping.is_set():
                return
            if first and slot not in self._ready and code > 0:
                self._failure = VoxstackError(f"a worker ended with the status {code}; its message is above")
                self._stop(signal.SIGTERM)
                return
            lived = asyncio.get_running_loop().time() - began
            first, pause = False, 0.0 if lived > SOON else min(max(PAUSES[0], 2 * pause), PAUSES[1])
            how = f"ended by {signal.Signals(-code).name}" if code < 0 else f"ended with the status {code}"
            self._report(f"a worker {how} after {lived:.0f} s; another one takes its place in {pause:.0f} s")
            await self._pause(pause)

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()

    async def _work(self, slot: int, first: bool, directory: str) -> int:
        """Run one worker to its end, and return its exit status."""
        try:
            worker = await WorkerProcess.start({**self._options, "slot": slot, "first": first}, directory)
        except OSError as error:
            self._report(f"a worker cannot start: {error}")
            return 0
        self._running[slot] = worker
        if self._stopping.is_set():
            worker.process.terminate()
        listening = asyncio.create_task(self._listen(slot, worker))
        try:
            return await worker.wait()
        finally:
            del self._running[slot]
            listening.cancel()
            worker.close()

    async def _listen(self, slot: int, worker: WorkerProcess) -> None:
        """Act on the messages of a worker."""
        async for message in worker.messages():
            if "ready" in message:
                self._ready.add(slot)
                if len(self._ready) == self._count and not self._reported:
                    self._reported = True
                    self._on_ready(message["ready"])
            else:
                line = json.dumps(message).encode() + b"\n"
                for other, neighbour in self._running.items():
                    if other != slot:
                        neighbour.send(line)
