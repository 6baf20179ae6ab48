"""Kills of the processes of espeak-ng and Flite at every moment of a stream, while other streams run.

Each stream ends with the right samples, or with the first of them and a typed error; no more streams fail than
processes were struck; the next request is right; nothing is left.
"""

from __future__ import annotations

import ctypes.util
import importlib.util
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from random import Random
from typing import Any

import numpy as np

import voxstack
from tests.campaign.report import Report
from voxstack import Scheduler, VoxstackError
from voxstack.blocks import children

FULL, SHORT, LIMIT = 500, 6, 90.0

SILENCE = 2.0  # seconds; 20 and 30 by default
MOST_PROCESSES = (
    6  # two are spare, one is Flite's, and some were ended and are forgotten with the next call of their pool
)
TEXTS = ("Yes.", "One, two. This is a text of three sentences. It is read.")
LONG = "This is a sentence of a long text. "
NEXT = "This is the next request."
BLOWS = ("kill", "terminate", "stop for a moment", "stop and kill", "stop")
MOMENTS = ("before", "text", "first audio", "middle", "end", "any")


def run(report: Report, cases: Iterable[int]) -> None:
    """Run the cases."""
    worlds = [world for world in map(_World.of, ("espeak", "flite")) if world is not None]
    if not worlds:
        report.count("neither is installed")
        return
    before: tuple[int, int] | None = None
    for number, random in report.each(cases):
        world = worlds[number % len(worlds)]
        began = time.monotonic()
        _case(world, number // len(worlds), random, report)
        report.maximum("slowest case (s)", time.monotonic() - began)
        before = before or _handles_and_processes()
    after = _settled(worlds)
    report.maximum("processes at the end", after[1])
    if before is not None and (after[0] > before[0] + 8 or after[1] > MOST_PROCESSES):
        report.finding(f"{after[0]} handles and {after[1]} processes are left; after the first case it was {before}")


def _settled(worlds: Iterable[_World]) -> tuple[int, int]:
    """Return the handles and processes, once those that were ended are gone."""
    until = time.monotonic() + 10
    while (counts := _handles_and_processes())[1] > MOST_PROCESSES and time.monotonic() < until:
        for world in worlds:
            world.busy()
        time.sleep(0.01)
    return counts


def _case(world: _World, number: int, random: Random, report: Report) -> None:
    kind, moment = BLOWS[number % len(BLOWS)], random.choice(MOMENTS)
    blow = _Blow(world, kind, random)
    texts = [random.choice(world.texts) for _ in range(random.randint(1, 4))]
    listeners = [_Listener(world, text, random.random()) for text in texts]
    listeners[0].strike, listeners[0].moment = blow.strike, moment
    for listener in listeners:
        listener.start()
    if moment == "any":
        time.sleep(random.random() * 0.1)
        blow.strike()
    for listener in listeners:
        listener.join()
    blow.finish()
    report.count(kind)
    failed = 0
    for listener in listeners:
        problem = listener.problem()
        failed += listener.error is not None
        report.count("right" if listener.error is None else "typed errors")
        if problem:
            report.finding(f"{world.name}, {kind}, {moment}: {problem}", listener.error)
    if failed > blow.struck:
        report.finding(f"{world.name}, {kind}, {moment}: {failed} streams failed, {blow.struck} processes were struck")
    world.check_next(report, f"{world.name}, {kind}, {moment}")


class _World:
    """A voice whose processes are its own.

    :param processes: returns the processes that there are now.
    :param busy: returns how many streams are counted as using one.
    """

    def __init__(
        self, name: str, voice: Any, processes: Callable[[], list[subprocess.Popen[bytes]]], busy: Callable[[], int]
    ) -> None:
        self.name, self.voice, self.processes, self.busy = name, voice, processes, busy
        self.texts = (*TEXTS, LONG * (40 if name == "espeak" else 12))  # espeak-ng reads 24 s ahead
        self.expected = {text: voice.synthesize(text).samples for text in (*self.texts, NEXT)}

    @classmethod
    def of(cls, name: str) -> _World | None:
        """Return a world, or None where the library is not installed."""
        if name == "espeak" and importlib.util.find_spec("espeakng_loader") is None:
            return None
        if name == "flite" and ctypes.util.find_library("flite") is None:
            return None
        voice = voxstack.load(name, scheduler=Scheduler(2, load=None, patience=None))
        return (_espeak if name == "espeak" else _flite)(voice)

    def check_next(self, report: Report, where: str) -> None:
        """Check that the next request is right, and that nothing is left of the ones before."""
        try:
            samples = self.voice.synthesize(NEXT).samples
        except VoxstackError as error:
            report.finding(f"{where}: the next request failed", error)
            return
        if not np.array_equal(samples, self.expected[NEXT]):
            report.finding(f"{where}: the next request gave other samples")
        until = time.monotonic() + 10
        while (left := self.busy() or _threads()) and time.monotonic() < until:
            time.sleep(0.01)
        if left:
            report.finding(f"{where}: {self.busy()} processes and {_threads()} threads are left")


def _espeak(voice: Any) -> _World:
    from voxstack_espeak.library_paths import LibraryPaths
    from voxstack_espeak.process import worker_command
    from voxstack_espeak.process_pool import ProcessPool

    pool = ProcessPool(worker_command(LibraryPaths.find()), limit=8, spare=2, patience=30, silence=SILENCE)
    block = _block(voice, "Espeak")
    _end(block._pool)
    block._pool = pool
    return _World("espeak", voice, lambda: [p._process for p in (*pool._lent, *pool._idle)], lambda: pool.lent)


def _end(pool: Any) -> None:
    """End the processes of a pool that is not used any more, and wait until the system has forgotten them."""
    pool._end_idle(keep=0)
    until = time.monotonic() + 10
    while pool._ending and time.monotonic() < until:
        pool._forget_ended()
        time.sleep(0.001)


def _flite(voice: Any) -> _World:
    from voxstack_flite.process import FliteProcess

    block, own = _block(voice, "Flite"), FliteProcess(SILENCE)
    block._process.end()
    block._process = own
    return _World("flite", voice, lambda: [p for p in [own._process] if p is not None], lambda: int(own._turn.locked()))


def _block(voice: Any, name: str) -> Any:
    def walk(block: Any) -> Iterator[Any]:
        yield block
        for _, child in children(block, ""):
            yield from walk(child)

    return next(block for block in walk(voice.block) if type(block).__name__ == name)


class _Blow:
    """Signals to one process, or to all that there are."""

    def __init__(self, world: _World, kind: str, random: Random) -> None:
        self.struck = 0
        self._world, self._kind, self._random = world, kind, random
        self._later: list[threading.Timer] = []

    def strike(self) -> None:
        """Strike now."""
        for _ in range(100):
            try:
                processes = self._world.processes()
                break
            except RuntimeError:  # a set that changed meanwhile
                continue
        if processes and self._random.random() < 0.8:
            processes = [self._random.choice(processes)]
        for process in processes:
            self.struck += 1
            first = {"kill": signal.SIGKILL, "terminate": signal.SIGTERM}.get(self._kind, signal.SIGSTOP)
            process.send_signal(first)  # nothing happens if it has ended
            then = {"stop for a moment": signal.SIGCONT, "stop and kill": signal.SIGKILL}.get(self._kind)
            if then is not None:
                timer = threading.Timer(self._random.random() * 0.2, process.send_signal, (then,))
                timer.start()
                self._later.append(timer)

    def finish(self) -> None:
        for timer in self._later:
            timer.join()


class _Listener(threading.Thread):
    """Listens to one stream."""

    def __init__(self, world: _World, text: str, pace: float) -> None:
        super().__init__(daemon=True)
        self.strike: Callable[[], None] = lambda: None
        self.moment = ""
        self.error: VoxstackError | None = None
        self._world, self._text, self._pace = world, text, pace
        self._chunks: list[np.ndarray] = []
        self._raw: BaseException | None = None

    def run(self) -> None:
        """Read the stream to its end."""
        try:
            self._reach("before")
            text = self._parts() if self.moment == "text" or self._pace < 0.3 else self._text
            for chunk in self._world.voice.stream(text):
                self._chunks.append(chunk.samples)
                self._reach({1: "first audio", 3: "middle"}.get(len(self._chunks), ""))
                time.sleep(0.005 * self._pace)
            self._reach("end")
        except VoxstackError as error:
            self.error = error
        except BaseException as error:
            self._raw = error

    def problem(self) -> str:
        """Return what is wrong with the outcome; empty if nothing is."""
        if self._raw is not None:
            return f"a raw error: {self._raw!r}"
        samples, expected = np.concatenate([np.zeros(0, np.float32), *self._chunks]), self._world.expected[self._text]
        if self.error is None and len(samples) != len(expected):
            return f"{len(samples)} samples instead of {len(expected)}, and no error"
        return "" if np.array_equal(samples, expected[: len(samples)]) else "other samples"

    def _parts(self) -> Iterator[str]:
        middle = len(self._text) // 2
        yield self._text[:middle]
        self._reach("text")
        yield self._text[middle:]

    def _reach(self, moment: str) -> None:
        if moment and moment == self.moment:
            self.strike()


def _threads() -> int:
    return sum(thread.name == "flite" for thread in threading.enumerate())


def _handles_and_processes() -> tuple[int, int]:
    """Return the number of open files and of child processes; 0 where the system does not report them."""
    try:
        tasks = [f"/proc/self/task/{task}/children" for task in os.listdir("/proc/self/task")]
        return len(os.listdir("/proc/self/fd")), sum(len(open(path).read().split()) for path in tasks)
    except OSError:
        return 0, 0
