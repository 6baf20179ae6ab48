"""Many requests at once, against one thread per request that synthesizes whole sentences."""

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
    """Plays one stream from its first sample on, and counts the chunks that come too late.

    ``longest`` is the seconds by which the latest chunk was late, ``refused`` those to a refusal.
    """

    def __init__(self, sample_rate: int) -> None:
        self._rate, self._requested, self._ends = sample_rate, time.perf_counter(), 0.0
        self.first: float | None = None
        self.late = self.chunks = self.samples = 0
        self.longest = 0.0
        self.refused: float | None = None

    def receive(self, samples: int) -> None:
        """Record a chunk of ``samples`` samples."""
        now = time.perf_counter()
        if self.first is None:
            self.first, self._ends = now - self._requested, now
        elif now > self._ends:
            self.late += 1
            self.longest = max(self.longest, now - self._ends)
            self._ends = now
        self.chunks += 1
        self.samples += samples
        self._ends += samples / self._rate

    def refuse(self) -> None:
        """Record that there will be no audio."""
        self.refused = time.perf_counter() - self._requested

    @property
    def audio(self) -> float:
        """Seconds of audio that came."""
        return self.samples / self._rate


def report(listeners: list[Listener], wall: float, rate: int) -> Report:
    """Return median and p95 of first audio, seconds of audio per second, and numbers of late and of all chunks."""
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
    """Run requests that arrive at these seconds, by ``astream``, each read as fast as possible.

    :param expected: samples that each stream must equal, if given.
    """

    async def listen(arrival: float) -> Listener:
        await asyncio.sleep(arrival)
        listener, parts = Listener(voice.sample_rate), []
        async for chunk in voice.astream(text):
            listener.receive(len(chunk.samples))
            if expected is not None:
                parts.append(chunk.samples)
        if expected is not None:
            require_same(np.concatenate(parts), expected)
        return listener

    async def listen_to_all() -> list[Listener]:
        return await asyncio.gather(*map(listen, arrivals))

    start = time.perf_counter()
    listeners = asyncio.run(listen_to_all())
    return report(listeners, time.perf_counter() - start, voice.sample_rate)


def require_same(found: np.ndarray, expected: np.ndarray) -> None:
    """Refuse to time streams whose samples depend on other streams."""
    assert found.shape == expected.shape, "a stream among others has another length than alone"
    error = np.abs(found - expected).max()
    assert error <= 1e-5 * np.abs(expected).max(), "a stream among others differs from the same stream alone"


def threads(networks: by_hand.Networks, arrivals: list[float], text: str = NINE) -> Report:
    """Run the same requests, one thread each."""
    listeners: list[Listener] = []

    def listen(arrival: float) -> None:
        time.sleep(arrival)
        listener = Listener(networks.sample_rate)
        listeners.append(listener)
        for samples in by_hand.whole_sentences(networks, text):
            listener.receive(len(samples))

    start = time.perf_counter()
    workers = [threading.Thread(target=listen, args=(arrival,)) for arrival in arrivals]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return report(listeners, time.perf_counter() - start, networks.sample_rate)


def poisson(rate: float, seconds: float) -> list[float]:
    """Return the times of random arrivals, on average ``rate`` per second."""
    source, now = random.Random(1), 0.0
    arrivals = []
    while (now := now + source.expovariate(rate)) < seconds:
        arrivals.append(now)
    return arrivals


def side_by_side(runs: dict[str, Callable[[], Report]], rounds: int) -> dict[str, Report]:
    """Return the medians of interleaved rounds, without the first; numbers of chunks are summed."""
    found: dict[str, list[Report]] = {name: [] for name in runs}
    for index in range(rounds + 1):
        for name, run in runs.items():
            figures = run()
            if index:
                found[name].append(figures)
    summed = ("late", "chunks")
    return {
        name: {key: (sum if key in summed else statistics.median)([f[key] for f in rows]) for key in rows[0]}
        for name, rows in found.items()
    }


def run(rounds: int, seconds: float = 15.0) -> tuple[list[Row], dict[str, dict[int, float]]]:
    """Measure bursts of 1 to 64 requests, and random arrivals at 80 % of the capacity of whole calls."""
    scheduler = voxstack.Scheduler(load=None, patience=None)  # refuses no stream, as the threads do
    voice, networks = voxstack.load("amber", scheduler=scheduler), by_hand.Networks()
    expected = voice.synthesize(NINE).samples
    rows: list[Row] = []
    plots: dict[str, dict[int, float]] = {"first audio": {}, "throughput": {}}
    capacity = 0.0
    for count in (1, 2, 4, 8, 16, 32, 64):
        streams(voice, [0.0] * count, expected=expected)
        reports = compare(voice, networks, [0.0] * count, rounds)
        ours, theirs = reports["streams"], reports["threads"]
        plots["first audio"][count] = ours["median"] / theirs["median"]
        plots["throughput"][count] = ours["throughput"] / theirs["throughput"]
        rows += burst_rows(count, ours, theirs)
        capacity = theirs["throughput"] if count == 16 else capacity
    arrivals = poisson(0.8 * capacity / (len(expected) / voice.sample_rate), seconds)
    streams(voice, arrivals, expected=expected)
    reports = compare(voice, networks, arrivals, max(1, rounds // 2))
    return [*rows, *arrival_rows(len(arrivals), seconds, reports["streams"], reports["threads"])], plots


def compare(voice: voxstack.Voice, networks: by_hand.Networks, arrivals: list[float], rounds: int) -> dict[str, Report]:
    """Run the same requests both ways, in turn."""
    return side_by_side(
        {"streams": lambda: streams(voice, arrivals), "threads": lambda: threads(networks, arrivals)}, rounds
    )


def arrival_rows(count: int, seconds: float, ours: Report, theirs: Report) -> list[Row]:
    """Return the rows of random arrivals."""
    kind = "random arrivals at 80 % of capacity"
    chunks = f"{count} requests in {seconds:.0f} s, {ours['chunks']:.0f} chunks"
    first = f"{1e3 * ours['p95']:.0f} against {1e3 * theirs['p95']:.0f} ms"
    share = ours["p95"] / theirs["p95"]
    return [
        Row(f"{kind}: late chunks", ours["late"], "chunks", limit=0, note=chunks),
        Row(f"{kind}: p95 first audio, of whole calls", share, limit=0.2, note=first),
    ]


def burst_rows(count: int, ours: Report, theirs: Report) -> list[Row]:
    """Return the rows of ``count`` requests at once."""
    kind, has_goal = f"{count} requests of 9 s at once", count == 16
    first = f"{1e3 * ours['median']:.0f} against {1e3 * theirs['median']:.0f} ms"
    audio = f"{ours['throughput']:.0f} against {theirs['throughput']:.0f} s of audio a second"
    note = f"{audio}; {ours['late']:.0f} late chunks"
    share, limit = ours["median"] / theirs["median"], 0.2 if has_goal else None
    throughput, goal = ours["throughput"] / theirs["throughput"], 0.95 if has_goal else None
    return [
        Row(f"{kind}: median first audio, of whole calls", share, limit=limit, note=first),
        Row(f"{kind}: throughput, of whole calls", throughput, limit=goal, minimum=True, note=note),
    ]
