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


def streams(voice: voxstack.Voice, arrivals: list[float], text: str = NINE, expected: np.ndarray | None = None) -> Report:
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
            assert np.abs(made - expected).max() <= 1e-5 * np.abs(expected).max(), "a stream among others is not what it is alone"
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
    return {n: {k: (sum if k in summed else statistics.median)([f[k] for f in rows]) for k in rows[0]} for n, rows in found.items()}


def run(rounds: int, seconds: float = 15.0) -> tuple[list[Row], dict[str, dict[int, float]]]:
    """Measure bursts of 1 to 64 requests, and random arrivals at 80 % of what whole calls can do."""
    voice, networks = voxstack.load("amber", scheduler=voxstack.Scheduler(load=None, patience=None)), by_hand.Networks()
    expected = voice.synthesize(NINE).samples
    rows: list[Row] = []
    plots: dict[str, dict[int, float]] = {"first audio": {}, "throughput": {}}
    capacity = 0.0
    for count in (1, 2, 4, 8, 16, 32, 64):
        burst = [0.0] * count
        streams(voice, burst, expected=expected)
        made = side_by_side({"streams": lambda b=burst: streams(voice, b), "threads": lambda b=burst: threads(networks, b)}, rounds)
        share = made["streams"]["median"] / made["threads"]["median"]
        throughput = made["streams"]["throughput"] / made["threads"]["throughput"]
        plots["first audio"][count], plots["throughput"][count] = share, throughput
        note = f"{1000 * made['streams']['median']:.0f} ms against {1000 * made['threads']['median']:.0f} ms"
        rows.append(
            Row(f"{count} requests of 9 s: median first audio, of whole calls", share, limit=0.2 if count == 16 else None, note=note)
        )
        note = f"{made['streams']['throughput']:.0f} s of audio a second against {made['threads']['throughput']:.0f} s; {made['streams']['late']:.0f} late chunks of {made['streams']['chunks']:.0f}"
        rows.append(
            Row(
                f"{count} requests of 9 s: throughput, of whole calls",
                throughput,
                limit=0.95 if count == 16 else None,
                least=True,
                note=note,
            )
        )
        if count == 16:
            capacity = made["threads"]["throughput"]
    arrivals = poisson(0.8 * capacity / (len(expected) / voice.sample_rate), seconds)
    streams(voice, arrivals, expected=expected)
    made = side_by_side({"streams": lambda: streams(voice, arrivals), "threads": lambda: threads(networks, arrivals)}, max(1, rounds // 2))
    note = f"{len(arrivals)} requests in {seconds:.0f} s; {made['streams']['chunks']:.0f} chunks"
    rows.append(Row("random arrivals at 80 % of capacity: late chunks", made["streams"]["late"], "chunks", limit=0, note=note))
    note = f"{1000 * made['streams']['p95']:.0f} ms against {1000 * made['threads']['p95']:.0f} ms"
    rows.append(
        Row(
            "random arrivals at 80 % of capacity: p95 first audio, of whole calls",
            made["streams"]["p95"] / made["threads"]["p95"],
            limit=0.2,
            note=note,
        )
    )
    return rows, plots
