"""Faults injected into the blocks and networks of the installed voices: every stream ends well or with a typed error.

Each case puts a block that fails in some way somewhere into a voice's stack, or lets a network or a start of a thread
fail at some call. Afterwards nothing is counted, and the voice synthesizes as before.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np

import voxstack
from tests.campaign.report import Report
from voxstack import RequestError, Scheduler, StreamableBlock, VoxstackError
from voxstack.networks.addon import Addon
from voxstack_voice import Voice, worker_threads

FULL, SHORT, LIMIT = 3000, 40, 60.0

TEXT = "Yes, one."


class Unreadable(Exception):
    """An error without a text."""

    def __str__(self) -> str:
        raise TypeError("unreadable")


ERRORS = (
    KeyError("k"),
    TypeError("t"),
    MemoryError(),
    RecursionError(),
    OSError(5, "x"),
    Unreadable(),
    RequestError("r"),
)
CHUNKS = (None, [1.0], b"ab", object(), np.zeros(3, complex), np.zeros(3, np.int16), np.full(3, np.nan, np.float32))


class Plan:
    """What fails in this case: one plan for the process, which the block, the hook and the threads look at."""

    mode = ""
    at = 0
    error: Exception = KeyError()
    chunk: Any = None
    threads = 0

    def now(self, mode: str) -> bool:
        """Return whether to fail at this call."""
        if self.mode != mode:
            return False
        self.at -= 1
        return self.at == -1


PLAN = Plan()


@dataclass
class Faulty(StreamableBlock):
    """Fails as the plan says."""

    def load(self, addon: Any) -> None:
        if PLAN.now("load"):
            raise PLAN.error

    @property
    def needs(self) -> frozenset[str]:
        if PLAN.now("property"):
            raise PLAN.error
        return frozenset()

    def stream(self, source: Any, utterance: Any) -> Any:
        if PLAN.now("stream"):
            raise PLAN.error
        return self.chunks(source) if PLAN.mode != "inner" else (self.failing(chunk) for chunk in source)

    def failing(self, chunk: Any) -> Any:
        """Return the chunk, or fail."""
        if PLAN.now("inner"):
            raise PLAN.error
        return chunk

    def chunks(self, source: Any) -> Any:
        """Yield the chunks, or fail."""
        try:
            for chunk in source:
                if PLAN.now("chunk"):
                    raise PLAN.error
                yield PLAN.chunk if PLAN.now("value") else chunk
        finally:
            if PLAN.now("close"):
                raise PLAN.error


@voxstack.hookimpl
def voxstack_blocks() -> list[type]:
    """Return the faulty block."""
    return [Faulty]


@voxstack.hookimpl(trylast=True)
def voxstack_wrap_network(network: Any, spec: Any, context: Any) -> Any:
    """Let calls of a network fail."""

    def run(**tensors: Any) -> Any:
        if PLAN.now("network"):
            raise PLAN.error
        outputs = network(**tensors)
        if PLAN.now("output"):
            name = next(iter(outputs))
            return {**outputs, name: PLAN.chunk}
        return outputs

    return run


MODES = ("load", "property", "stream", "inner", "chunk", "value", "close", "network", "output", "threads", "")


def run(report: Report, cases: Iterable[int]) -> None:
    """Run the cases."""
    registry = voxstack.Registry.installed().with_plugins({"campaign": sys.modules[__name__]})
    scheduler = Scheduler(2, load=None, patience=None)
    names = ("amber", "cobalt")
    addons = {name: Addon.open(name, registry) for name in names}
    stacks = {name: addons[name].config["stack"] for name in names}
    alone = {name: Voice(addons[name], scheduler=scheduler).synthesize(TEXT).samples for name in names}
    kept = [Voice(addons[name], scheduler=scheduler) for name in names]  # keeps the networks open
    _limit_threads()
    for _, random in report.each(cases):
        name = random.choice(names)
        _choose(random)
        mode = PLAN.mode
        stack = list(stacks[name])
        stack.insert(random.randint(1, len(stack)), {"type": "Faulty"})
        addons[name].config = {**addons[name].config, "stack": stack}
        outcome = _outcome(report, random, addons[name], scheduler, alone[name])
        report.count(f"{mode or 'none'}: {outcome}")
        PLAN.mode, PLAN.threads = "", 0
        _check_quiet(report, scheduler)
        if np.abs(kept[names.index(name)].synthesize(TEXT).samples - alone[name]).max() > 1e-3:
            report.finding(f"{name} is not what it was after a fault in {mode}")


def _choose(random: Random) -> None:
    PLAN.mode = random.choice(MODES)
    PLAN.at = random.choice([0, 0, 1, 2, 5])
    PLAN.error, PLAN.chunk = random.choice(ERRORS), random.choice(CHUNKS)
    PLAN.threads = random.randint(1, 8) if PLAN.mode == "threads" else 0


def _limit_threads() -> None:
    start = threading.Thread.start
    worker_threads.RETRY_PAUSE = 0.001

    def failing(self: threading.Thread) -> None:
        if PLAN.threads:
            PLAN.threads -= 1
            raise RuntimeError("can't start new thread")
        start(self)

    threading.Thread.start = failing  # type: ignore[method-assign]


def _outcome(report: Report, random: Random, addon: Addon, scheduler: Scheduler, alone: np.ndarray) -> str:
    mode, way = PLAN.mode, random.choice(["stream", "astream", "left"])
    try:
        voice = Voice(addon, scheduler=scheduler)
        samples = asyncio.run(_astream(voice)) if way == "astream" else _stream(voice, way)
    except VoxstackError as error:
        if not error.args or not (error.__cause__ is None or isinstance(error.__cause__, Exception)):
            report.finding("an error without a text or a cause", error)
        str(error)
        return "typed error"
    except Exception as error:
        if mode == "close":  # closing raises what the block raises
            return "error of the block"
        report.finding(f"a raw error from {mode} by {way}", error)
        return "raw error"
    if way != "left" and mode in ("", "threads") and np.abs(samples - alone).max() > 1e-3:
        report.finding(f"other samples than alone by {way}")
    return "speech"


def _stream(voice: Voice, way: str) -> np.ndarray:
    stream = voice.stream(TEXT)
    if way == "left":
        samples = next(stream).samples
        stream.close()  # type: ignore[attr-defined]
        return samples
    return np.concatenate([chunk.samples for chunk in stream])


async def _astream(voice: Voice) -> np.ndarray:
    return np.concatenate([chunk.samples async for chunk in voice.astream(TEXT)])


def _check_quiet(report: Report, scheduler: Scheduler) -> None:
    end = time.monotonic() + 20
    while scheduler.streams or scheduler.queue.idle < 2 or scheduler.queue.wanted:
        if time.monotonic() > end:
            state = (scheduler.streams, scheduler.queue.idle, scheduler.queue.wanted)
            report.finding(f"left behind: streams, idle workers, waiting: {state}")
            scheduler.after_fork()
            return
        time.sleep(0.001)
