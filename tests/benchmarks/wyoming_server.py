"""First audio and speed over the Wyoming protocol, and in the process.

    python tests/benchmarks/wyoming_server.py [--rounds 30]

The ways take turns in one run, on the same voice and text. The client is that of the protocol, in a process of its own,
as Home Assistant is; its first audio is the first ``audio-chunk``.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import statistics
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from multiprocessing.connection import Connection

from texts import NINE
from wyoming.tts import Synthesize

from voxstack import Voices
from voxstack_serve import Service
from voxstack_serve.contract.home_assistant import HomeAssistant, received
from voxstack_serve.wyoming import WyomingServer

Times = tuple[float, float]
"""Seconds to the first audio, and to the end."""

BASES = {"call": "call", "whole": "call", "call with parts": "call with parts", "parts": "call with parts"}
"""The ways, and the call in the process that each is compared with."""


async def words() -> AsyncIterator[str]:
    for word in NINE.split():
        yield word + " "


async def in_process(service: Service, text: str | AsyncIterator[str]) -> Times:
    begin, first = time.perf_counter(), 0.0
    async for _ in service.stream("amber", text):
        first = first or time.perf_counter() - begin
    return first, time.perf_counter() - begin


async def of_whole_text(port: int) -> Times:
    async with HomeAssistant(port).client() as client:
        begin = time.perf_counter()
        await client.write_event(Synthesize(NINE).event())
        await received(client)
        await received(client)
        first = time.perf_counter() - begin
        await to_the_end(client)
        return first, time.perf_counter() - begin


async def to_the_end(client: object) -> None:
    while (await received(client)).type != "audio-stop":  # type: ignore[arg-type]
        pass


async def of_parts(port: int) -> Times:
    begin, first = time.perf_counter(), 0.0
    async for _ in HomeAssistant(port).chunks(words()):
        first = first or time.perf_counter() - begin
    return first, time.perf_counter() - begin


def client(port: int, pipe: Connection) -> None:
    """Answer each request for a measurement, until there is none."""
    ways: dict[str, Callable[[int], Awaitable[Times]]] = {"whole": of_whole_text, "parts": of_parts}
    while way := pipe.recv():
        pipe.send(asyncio.run(ways[way](port)))  # type: ignore[arg-type]


async def measure(rounds: int) -> dict[str, list[Times]]:
    service = Service(Voices(warm=["amber"]), ["amber"])
    pipe, other = multiprocessing.Pipe()
    async with WyomingServer(service, port=0) as server:
        process = multiprocessing.get_context("spawn").Process(target=client, args=(server.port, other))
        process.start()
        times: dict[str, list[Times]] = {way: [] for way in BASES}
        for number in range(rounds + 1):
            for way, found in times.items():
                if way == BASES[way]:
                    taken = await in_process(service, NINE if way == "call" else words())
                else:
                    taken = await asyncio.to_thread(lambda way=way: (pipe.send(way), pipe.recv())[1])
                if number:  # the first round warms up
                    found.append(taken)
            print(f"\r{number}/{rounds}", end="", file=sys.stderr)
        pipe.send("")
        await asyncio.to_thread(process.join)
    return times


def ratio(one: Iterable[float], base: Iterable[float]) -> float:
    return statistics.median(a / b for a, b in zip(one, base, strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=30)
    times = asyncio.run(measure(parser.parse_args().rounds))
    print("\n\n| | first audio, ms | ratio | all, ms | ratio |\n|---|---|---|---|---|")
    for way, found in times.items():
        cells = []
        for column in (0, 1):
            values, base = ([row[column] for row in rows] for rows in (found, times[BASES[way]]))
            cells.append(f"{1000 * statistics.median(values):.1f} | {ratio(values, base):.2f}")
        print(f"| {way} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
