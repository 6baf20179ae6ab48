"""Many requests at once, against a thread for each that makes whole sentences."""

from __future__ import annotations

import asyncio
import random
import statistics
import threading
import time
from collections.abc import Callable

import by_hand
import numpy as np
from measure import Row, percentile
from texts import NINE

import voxstack

Report = dict[str, float]


class Listener:
    """Hears one stream from its first sample on, and notes when chunks come too late."""

    def __init__(self, sample_rate: int) -> None:
        self._rate, self._asked, self._ends = sample_rate, time.perf_counter(), 0.0
        self.first: float | None = None
        self.late = self.chunks = self.samples = 0

    def hears(self, samples: int) -> None:
        now = time.perf_counter()
        if self.first is None:
            self.first, self._ends = now - self._asked, now
        elif now > self._ends:
            self.late += 1
            self._ends = now
        self.chunks += 1
        self.samples += samples
        self._ends += samples / self._rate


def report(listeners: list[Listener], wall: float, rate: int) -> Report:
    firsts = [listener.first for listener in listeners if listener.first is not None]
    return {
        "median": statistics.median(firsts),
        "p95": percentile(firsts, 0.95),
        "throughput": sum(listener.samples for listener in listeners) / rate / wall,
        "late": sum(listener.late for listener in listeners),
        "chunks": sum(listener.chunks for listener in listeners),
    }


def streams(
    voice: voxstack.Voice, arrivals: list[float], text: str = NINE, expected: np.ndarray | None = None
) -> Report:
    """Requests that arrive at these seconds, by ``astream``, each consumed as fast as it comes.

    :param expected: what each must say; it is compared where it is given.
    """

    async def one(arrival: float) -> Listener:
        await asyncio.sleep(arrival)
        listener, parts = Listener(voice.sample_rate), []
        async for chunk in voice.astream(text):
            listener.hears(len(chunk.samples))
            if expected is not None:
                parts.append(chunk.samples)
        if expected is not None:
            made = np.concatenate(parts)
            assert made.shape == expected.shape, "a stream among others has another length than alone"
            assert np.abs(made - expected).max() <= 1e-5 * np.abs(expected).max(), (
                "a stream among others is not what it is alone"
            )
        return listener

    async def all_of_them() -> list[Listener]:
        return await asyncio.gather(*map(one, arrivals))

    began = time.perf_counter()
    listeners = asyncio.run(all_of_them())
    return report(listeners, time.perf_counter() - began, voice.sample_rate)


def threads(networks: by_hand.Networks, arrivals: list[float], text: str = NINE) -> Report:
    """The same requests, a thread for each."""
    listeners: list[Listener] = []

    def one(arrival: float) -> None:
        time.sleep(arrival)
        listener = Listener(networks.sample_rate)
        listeners.append(listener)
        for samples in by_hand.whole_sentences(networks, text):
            listener.hears(len(samples))

    began = time.perf_counter()
    workers = [threading.Thread(target=one, args=(arrival,)) for arrival in arrivals]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return report(listeners, time.perf_counter() - began, networks.sample_rate)


def poisson(rate: float, seconds: float) -> list[float]:
    """Times of random arrivals, ``rate`` a second on average."""
    source, at = random.Random(1), 0.0
    arrivals = []
    while (at := at + source.expovariate(rate)) < seconds:
        arrivals.append(at)
    return arrivals


def side_by_side(runs: dict[str, Callable[[], Report]], rounds: int) -> dict[str, Report]:
    """Medians of interleaved rounds; the first does not count. Late chunks add up."""
    found: dict[str, list[Report]] = {name: [] for name in runs}
    for number in range(rounds + 1):
        for name, run in runs.items():
            figures = run()
            if number:
                found[name].append(figures)
    summed = ("late", "chunks")
    return {
        n: {k: (sum if k in summed else statistics.median)([f[k] for f in rows]) for k in rows[0]}
        for n, rows in found.items()
    }


def run(rounds: int, seconds: float = 15.0) -> tuple[list[Row], dict[str, dict[int, float]]]:
    """Measure bursts of 1 to 64 requests, and random arrivals at 80 % of what whole calls can do."""
    scheduler = voxstack.Scheduler(load=None, patience=None)  # nobody is refused, as by the threads
    voice, networks = voxstack.load("amber", scheduler=scheduler), by_hand.Networks()
    expected = voice.synthesize(NINE).samples
    rows: list[Row] = []
    plots: dict[str, dict[int, float]] = {"first audio": {}, "throughput": {}}
    capacity = 0.0
    for count in (1, 2, 4, 8, 16, 32, 64):
        streams(voice, [0.0] * count, expected=expected)
        made = compared(voice, networks, [0.0] * count, rounds)
        one, other = made["streams"], made["threads"]
        plots["first audio"][count] = one["median"] / other["median"]
        plots["throughput"][count] = one["throughput"] / other["throughput"]
        rows += burst_rows(count, one, other)
        capacity = other["throughput"] if count == 16 else capacity
    arrivals = poisson(0.8 * capacity / (len(expected) / voice.sample_rate), seconds)
    streams(voice, arrivals, expected=expected)
    made = compared(voice, networks, arrivals, max(1, rounds // 2))
    one, other = made["streams"], made["threads"]
    note = f"{len(arrivals)} requests in {seconds:.0f} s, {one['chunks']:.0f} chunks"
    rows.append(Row("random arrivals at 80 % of capacity: late chunks", one["late"], "chunks", limit=0, note=note))
    share, note = one["p95"] / other["p95"], f"{1e3 * one['p95']:.0f} against {1e3 * other['p95']:.0f} ms"
    rows.append(
        Row("random arrivals at 80 % of capacity: p95 first audio, of whole calls", share, limit=0.2, note=note)
    )
    return rows, plots


def compared(
    voice: voxstack.Voice, networks: by_hand.Networks, arrivals: list[float], rounds: int
) -> dict[str, Report]:
    """The same requests both ways, in turn."""
    return side_by_side(
        {"streams": lambda: streams(voice, arrivals), "threads": lambda: threads(networks, arrivals)}, rounds
    )


def burst_rows(count: int, one: Report, other: Report) -> list[Row]:
    """Rows of so many requests at once."""
    what, asked = f"{count} requests of 9 s at once", count == 16
    note = f"{1e3 * one['median']:.0f} against {1e3 * other['median']:.0f} ms"
    first = Row(
        f"{what}: median first audio, of whole calls",
        one["median"] / other["median"],
        limit=0.2 if asked else None,
        note=note,
    )
    note = (
        f"{one['throughput']:.0f} against {other['throughput']:.0f} s of audio a second; {one['late']:.0f} late chunks"
    )
    share = one["throughput"] / other["throughput"]
    return [
        first,
        Row(f"{what}: throughput, of whole calls", share, limit=0.95 if asked else None, least=True, note=note),
    ]
