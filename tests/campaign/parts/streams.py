"""Streams by the thousand: in threads and in asyncio, a third of them abandoned, some in reference cycles.

Each case is 100 streams at once with the garbage collector at work: most of a small voice of real blocks, some of the
installed voices. Afterwards nothing may be counted, run or held.
"""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import time
from collections.abc import Iterable
from contextlib import aclosing
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np

import voxstack
from tests.campaign.report import Report, resident_megabytes
from voxstack import Scheduler, StreamableBlock
from voxstack.networks.addon import Addon
from voxstack_voice import Voice

FULL, SHORT, LIMIT = 1000, 6, 120.0

STREAMS = 100
REAL = 2  # streams of a case that installed voices synthesize


@dataclass
class Spell(StreamableBlock):
    """Yields 80 samples for each letter."""

    needs = frozenset({"text"})
    head = True
    makes = "samples"

    def stream(self, source: Any, utterance: Any) -> Any:
        text = utterance["text"]
        for part in [text] if isinstance(text, str) else text:
            for letter in part:
                yield np.full(80, ord(letter) / 256, np.float32)


@voxstack.hookimpl
def voxstack_blocks() -> list[type]:
    """Return the block of this part."""
    return [Spell]


def run(report: Report, cases: Iterable[int]) -> None:
    """Run the cases."""
    import sys

    scheduler = Scheduler(2, load=None, patience=None)
    registry = voxstack.Registry.installed().with_plugins({"campaign": sys.modules[__name__]})
    voices = [_small_voice(registry, scheduler, prefetch) for prefetch in (False, True)]
    real = [voxstack.load(name, registry=registry, scheduler=scheduler) for name in ("amber", "cobalt")]
    solo = {id(voice): voice.synthesize("Yes.").samples for voice in real}
    before: float | None = None
    gc.collect()
    gc.freeze()  # so that a collection looks at the streams alone, and can come at each allocation
    for number, random in report.each(cases):
        threshold = gc.get_threshold()
        gc.set_threshold(random.choice([1, 7, 50, 700]))
        try:
            _many(report, random, voices, real, solo)
        finally:
            gc.set_threshold(*threshold)
        gc.collect()
        _check_quiet(report, scheduler)
        report.count("streams", STREAMS)
        if number > 40 and before is None:
            before = resident_megabytes()  # what threads and allocators keep for good is there by now
    if before is not None:
        report.maximum("growth (MB)", resident_megabytes() - before)
        if resident_megabytes() - before > 5:
            report.finding(f"memory grew by {resident_megabytes() - before:.1f} MB")


def _small_voice(registry: voxstack.Registry, scheduler: Scheduler, prefetch: bool) -> Voice:
    addon = Addon.open("amber", registry)
    stack = [{"type": "Spell"}, {"type": "Gain"}, *([{"type": "Prefetch"}] if prefetch else [])]
    addon.config = {**addon.config, "name": f"small{prefetch}", "stack": stack}
    addon.name = f"small{prefetch}"
    return Voice(addon, scheduler=scheduler)


def _many(report: Report, random: Random, voices: list[Voice], real: list[Voice], solo: dict[int, Any]) -> None:
    plans = [(random.choice(voices), "hello"[: random.randint(1, 5)]) for _ in range(STREAMS - REAL)]
    plans += [(random.choice(real), "Yes.") for _ in range(REAL)]
    random.shuffle(plans)
    kinds = [random.choice(["whole", "whole", "left", "cycle"]) for _ in plans]
    half = len(plans) // 2
    jobs = list(zip(plans, kinds, strict=True))
    threads = [threading.Thread(target=_speak, args=(report, solo, jobs[i:half:4])) for i in range(4)]
    for thread in threads:
        thread.start()
    asyncio.run(_aspeak_all(report, solo, jobs[half:]))
    for thread in threads:
        thread.join()


def _speak(report: Report, solo: dict[int, Any], jobs: list[Any]) -> None:
    for (voice, text), kind in jobs:
        stream = voice.stream(text)
        if kind == "whole":
            _compare(report, solo, voice, text, [chunk.samples for chunk in stream])
            continue
        next(stream)
        if kind == "cycle":
            ring: list[Any] = [stream]
            ring.append(ring)
            del ring
        del stream
        report.count("abandoned")


async def _aspeak_all(report: Report, solo: dict[int, Any], jobs: list[Any]) -> None:
    await asyncio.gather(*(_aspeak(report, solo, *plan, kind) for plan, kind in jobs))


async def _aspeak(report: Report, solo: dict[int, Any], voice: Voice, text: str, kind: str) -> None:
    if kind == "cycle":  # left to the garbage collector, and to the event loop that closes it
        stream = voice.astream(text)
        await anext(stream)
        report.count("abandoned")
        return
    async with aclosing(voice.astream(text)) as chunks:
        parts = []
        async for chunk in chunks:
            parts.append(chunk.samples)
            if kind == "left":
                report.count("abandoned")
                return
        _compare(report, solo, voice, text, parts)


def _compare(report: Report, solo: dict[int, Any], voice: Voice, text: str, parts: list[np.ndarray]) -> None:
    """Record a finding unless the joined samples are those that the stream has alone."""
    samples = np.concatenate(parts)
    if id(voice) in solo:
        same = len(samples) == len(solo[id(voice)]) and np.abs(samples - solo[id(voice)]).max() < 1e-3
    else:
        same = len(samples) == 80 * len(text) and all(samples[::80] == [np.float32(ord(c) / 256) for c in text])
    if not same:
        report.finding(f"{voice.name} said something else than alone")


def _check_quiet(report: Report, scheduler: Scheduler) -> None:
    end = time.monotonic() + 30
    while scheduler.streams or scheduler.queue.idle < scheduler.workers or scheduler.queue.wanted or _prefetching():
        if time.monotonic() > end:
            state = (scheduler.streams, scheduler.queue.idle, scheduler.queue.wanted, _prefetching())
            report.finding(f"left behind: streams, idle workers, waiting, threads of Prefetch: {state}")
            return
        time.sleep(0.002)
    report.maximum("threads", threading.active_count())
    report.maximum("handles", len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0)


def _prefetching() -> int:
    return sum(thread.name == "voxstack-prefetch" for thread in threading.enumerate())
