"""Measurement of the costs that the simulation knows, with the real voices and their scheduler."""

from __future__ import annotations

import gc
import statistics
import threading
import time
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from measure import machine
from texts import NINE, ONE

import voxstack
from fleets.costs import Calibration, Replica, VoiceCosts
from voxstack import Schedule, Scheduler
from voxstack.streaming.turn import available_cores
from voxstack_voice.work_clock import work_clock

LONGER = NINE.rstrip(".") + ", because the committee had not heard from anyone about the plans since the winter."
TEXTS = (ONE, NINE.split(",")[0] + ".", NINE, LONGER)


class Turn(NamedTuple):
    """A chunk of a stream alone: seconds of audio, of work, and of time."""

    audio: float
    work: float
    time: float


def turns(voice: voxstack.Voice, text: str, schedule: Schedule | None = None) -> list[Turn]:
    """Return the chunks of a stream alone."""
    found, work, now = [], work_clock(), time.perf_counter()
    for chunk in voice.stream(text, schedule=schedule):
        done, then = work_clock(), time.perf_counter()
        found.append(Turn(len(chunk.samples) / voice.sample_rate, done - work, then - now))
        work, now = work_clock(), time.perf_counter()
    rest = work_clock() - work
    found[-1] = found[-1]._replace(work=found[-1].work + rest)
    return found


class Stream(NamedTuple):
    """A stream as the medians of several: seconds of audio and of work, those of its first chunk, and its chunks."""

    audio: float
    work: float
    first: float
    chunks: float


def typical(voice: voxstack.Voice, text: str, rounds: int, schedule: Schedule | None = None) -> Stream:
    """Return a stream alone, as the medians of several."""
    many = [turns(voice, text, schedule) for _ in range(rounds)]
    return Stream(
        sum(turn.audio for turn in many[0]),
        statistics.median(sum(turn.work for turn in one) for one in many),
        statistics.median(one[0].work for one in many),
        statistics.median(len(one) for one in many),
    )


def voice_costs(name: str, rounds: int = 7) -> VoiceCosts:
    """Return the costs of a voice: lines through the work of streams of several lengths, in chunks of several sizes."""
    free = Scheduler(load=None, patience=None)
    load = loading(name, free)
    voice = voxstack.load(name, scheduler=free)
    for text in TEXTS:
        turns(voice, text)
    first, largest = chunk_lengths(voice)
    sized = []
    for factor in (1, 2, 4):
        frames = factor * voice.schedule.first
        sized.append(typical(voice, NINE, rounds, Schedule(first=frames, growth=1.0001, largest=frames)))
    chunk = max(0.0, statistics.linear_regression([s.chunks for s in sized], [s.work for s in sized]).slope)
    whole = [typical(voice, text, rounds) for text in TEXTS]
    total = statistics.linear_regression([s.audio for s in whole], [s.work - chunk * s.chunks for s in whole])
    begun = statistics.linear_regression([s.audio for s in whole[1:]], [s.first for s in whole[1:]])
    second = max(total.slope - max(0.0, begun.slope), 0.5 * total.slope)
    sentence = max(0.0, total.intercept)
    lookahead = (begun.intercept - sentence - chunk) / second - first
    return VoiceCosts(
        sentence,
        chunk,
        second,
        first,
        largest,
        max(0.0, begun.slope),
        min(max(0.0, lookahead), 1.0),
        load,
        load,
        megabytes(voice),
        computed_ahead(voice, chunk + second * first),
    )


def computed_ahead(voice: voxstack.Voice, least: float) -> bool:
    """Return whether the last of equal chunks, whose work would be more than ``least``, were computed before."""
    frames = 4 * voice.schedule.first
    schedule = Schedule(first=frames, growth=1.0001, largest=frames)
    last = statistics.median(turns(voice, NINE, schedule)[-1].work for _ in range(5))
    return last < 0.5 * least


def loading(name: str, scheduler: Scheduler) -> float:
    """Return the median work of loading a voice whose plugins are imported, with its first word."""
    found = []
    for _ in range(4):
        gc.collect()  # networks are shared as long as a voice has them
        began = time.process_time()
        turns(voxstack.load(name, scheduler=scheduler), ONE)
        found.append(time.process_time() - began)
    return statistics.median(found[1:])


def chunk_lengths(voice: voxstack.Voice) -> tuple[float, float]:
    """Return the seconds of audio of the first and of the longest chunks of a voice."""
    seconds = turns(voice, NINE)[0].audio
    return seconds, seconds * voice.schedule.largest / voice.schedule.first


def megabytes(voice: voxstack.Voice) -> float:
    """Return the memory that the networks of a voice take, as ``Voices`` counts it."""
    from voxstack_voices.weights import total, weights_of

    return total([weights_of(voice.addon)]) / 1e6


def slowdown(name: str, seconds: float = 1.5, rounds: int = 3) -> tuple[float, ...]:
    """Return, by the number of threads that compute at once, their work as a multiple of that of one alone."""
    voice = voxstack.load(name, scheduler=Scheduler(load=None, patience=None))
    turns(voice, NINE)
    most = available_cores() + 1
    found: list[list[float]] = [[] for _ in range(most)]
    for _ in range(rounds):
        for count in range(1, most + 1):
            found[count - 1].append(together(voice, count, seconds))
    medians = [statistics.median(one) for one in found]
    return tuple(max(1.0, one / medians[0]) for one in medians)


def together(voice: voxstack.Voice, count: int, seconds: float) -> float:
    """Return the work of a stream while ``count`` threads compute streams, a lower quartile.

    Where other programs keep a thread with Python's lock from its core, the work of those that wait for it counts more.
    """
    works: list[float] = []
    end = time.perf_counter() + seconds

    def compute() -> None:
        while time.perf_counter() < end:
            works.append(sum(turn.work for turn in turns(voice, NINE)))

    threads = [threading.Thread(target=compute) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return float(np.quantile(works, 0.25))


def noise(name: str, rounds: int = 30, timed: bool = False) -> tuple[float, ...]:
    """Return how the work, or the time, of equal turns varies: 50 quantiles, whose mean is 1."""
    voice = voxstack.load(name, scheduler=Scheduler(load=None, patience=None))
    frames = 2 * voice.schedule.first
    schedule = Schedule(first=frames, growth=1.0001, largest=frames)
    many = [[turn.time if timed else turn.work for turn in turns(voice, NINE, schedule)] for _ in range(rounds + 2)]
    figures = np.array([one[:-1] for one in many[2:]])
    ratios = figures / np.median(figures, axis=0)
    quantiles = np.quantile(ratios[:, 2:-2], np.linspace(0.01, 0.99, 50))
    return tuple(round(float(one), 4) for one in quantiles / quantiles.mean())


def measured(names: dict[str, str], overhead: float) -> Calibration:
    """Measure voices, whose addons are listed by name; the first one shows how threads slow each other down."""
    voices = {name: rounded(voice_costs(addon)) for name, addon in names.items()}
    some = next(iter(names.values()))
    slow = tuple(round(one, 3) for one in slowdown(some))
    replica = Replica(workers=available_cores(), slowdown=slow, noise=noise(some), overhead=overhead)
    return Calibration(machine(), voices, replica)


def rounded(costs: VoiceCosts) -> VoiceCosts:
    """Return costs as they are stored."""
    figures = {name: float(f"{value:.4g}") for name, value in vars(costs).items() if not isinstance(value, bool)}
    return replace(costs, **figures)
