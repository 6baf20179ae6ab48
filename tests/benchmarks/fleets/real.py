"""Real streams under given arrivals: in this process, or of servers over HTTP."""

from __future__ import annotations

import asyncio
import http.client
import json
import statistics
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import aclosing
from urllib.parse import urlsplit

from concurrency import Listener
from texts import NINE

import voxstack
from voxstack import CapacityError, Scheduler

STALL = 0.02
RATE = 16_000
"""Of the audio that servers send, Hz."""

Runs = Callable[[Sequence[float]], list[Listener]]
"""Runs streams that arrive at these seconds, and returns their listeners."""


class Patient(Listener):
    """A listener that counts chunks as late only where a stall of the audio can be heard."""

    stalls = 0

    def receive(self, samples: int) -> None:
        """Record a chunk."""
        self.stalls += self.first is not None and time.perf_counter() - self._ends > STALL
        super().receive(samples)


def in_process(load: Callable[[Scheduler], voxstack.Voice], unlimited: bool = False) -> Runs:
    """Return what runs streams of a voice in this process; ``load`` returns it, with a scheduler."""
    scheduler = Scheduler(load=None, patience=None) if unlimited else Scheduler()
    voice = load(scheduler)

    async def listen(begin: float, arrival: float) -> Listener:
        await asyncio.sleep(max(0.0, begin + arrival - time.perf_counter()))
        listener = Patient(voice.sample_rate)
        try:
            async with aclosing(voice.astream(NINE)) as chunks:
                async for chunk in chunks:
                    listener.receive(len(chunk.samples))
        except CapacityError:
            listener.refuse()
        return listener

    async def listen_to_all(arrivals: Sequence[float]) -> list[Listener]:
        begin = time.perf_counter()
        return await asyncio.gather(*(listen(begin, arrival) for arrival in arrivals))

    def run(arrivals: Sequence[float]) -> list[Listener]:
        return asyncio.run(listen_to_all(arrivals))

    run([0.0] * 4)  # costs are learnt
    return run


def over_http(urls: Sequence[str], voice: str) -> Runs:
    """Return what runs streams of servers in turn, each on a thread and a connection of its own."""

    def listen(url: str) -> Listener:
        place = urlsplit(url)
        connection = http.client.HTTPConnection(place.netloc, timeout=60)
        body = {"model": "m", "voice": voice, "input": NINE, "response_format": "pcm", "sample_rate": RATE}
        listener = Patient(RATE)
        try:
            connection.request("POST", f"{place.path.rstrip('/')}/v1/audio/speech", json.dumps(body))
            response = connection.getresponse()
            if response.status != 200:
                listener.refuse()
                return listener
            while part := response.read1(65_536):
                listener.receive(len(part) // 2)
        except (OSError, http.client.HTTPException):
            listener.refuse()
        finally:
            connection.close()
        return listener

    def run(arrivals: Sequence[float]) -> list[Listener]:
        found: list[Listener] = []
        begin, threads = time.perf_counter(), []
        for number, arrival in enumerate(arrivals):
            time.sleep(max(0.0, begin + arrival - time.perf_counter()))
            url = urls[number % len(urls)]
            threads.append(threading.Thread(target=lambda url=url: found.append(listen(url))))
            threads[-1].start()
        for thread in threads:
            thread.join()
        return found

    run([0.0] * 2 * len(urls))
    return run


def burst_speed(run: Runs, count: int) -> float:
    """Return the seconds of audio a second of streams that begin at once."""
    began = time.perf_counter()
    found = run([0.0] * count)
    return sum(one.audio for one in found) / (time.perf_counter() - began)


def lone_first(run: Runs, rounds: int = 9) -> float:
    """Return the median seconds to the first audio of a stream alone."""
    return statistics.median(one.first for _ in range(rounds) for one in run([0.0]) if one.first is not None)
