"""Forked children, and threads that cannot be started: everything speaks on."""

from __future__ import annotations

import asyncio
import faulthandler
import math
import os
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny import plugin

import voxstack
from voxstack import CapacityError, Prefetch, Registry, Scheduler, StreamableBlock
from voxstack.streaming.turn import current_turn
from voxstack_voice import worker_threads

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")

TEXT = "abcdef"
GATE = threading.Event()


@dataclass
class Spell(StreamableBlock):
    """Says each letter as 10 samples of its number; ``*`` waits for ``GATE``, ``/`` forks."""

    needs = frozenset({"text"})
    head = True
    makes = "samples"

    def stream(self, source: Any, utterance: Any) -> Any:
        for letter in utterance["text"]:
            if letter == "*":
                GATE.wait(20)
            if letter == "/":
                turn = current_turn()
                assert turn is not None
                FORKED.append(forked(lambda turn=turn: list(turn.ticket._scheduler.voice.stream("ab"))))
            yield np.full(10, ord(letter) / 256, np.float32)


FORKED: list[int] = []


@pytest.fixture
def voice(write_addon: Callable[..., Path]) -> Iterator[voxstack.Voice]:
    path = write_addon(stack=[{"type": "Spell"}, {"type": "Prefetch"}])
    registry = Registry({"test": plugin([Spell, Prefetch])})
    GATE.clear()
    yield voxstack.load(path, registry=registry, scheduler=Scheduler(2, load=None, patience=None))
    GATE.set()


def forked(job: Callable[[], object]) -> int:
    """Run a job in a forked child, and return the child's exit status; 99 if it does not end."""
    child = os.fork()
    if not child:
        status = 1
        faulthandler.dump_traceback_later(15, exit=True)
        try:
            job()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    end = time.monotonic() + 20
    while time.monotonic() < end:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return 99


def everything(voice: voxstack.Voice) -> None:
    """Speak in all ways, and leave nothing behind."""
    assert len(list(voice.stream(TEXT))) == len(TEXT)
    assert len(voice.synthesize(TEXT, timeout=20).samples) == 10 * len(TEXT)

    async def main() -> None:
        async def speak() -> int:
            return len([chunk async for chunk in voice.astream(TEXT)])

        assert await asyncio.gather(*(speak() for _ in range(5))) == [len(TEXT)] * 5
        async with aclosing(voice.astream(TEXT)) as chunks:
            await anext(chunks)

    asyncio.run(asyncio.wait_for(main(), 15))
    end = time.monotonic() + 10
    while voice.scheduler.streams or voice.scheduler.queue.idle < 2:
        assert time.monotonic() < end
        time.sleep(0.005)


def test_fork_before_anything_was_spoken(voice: voxstack.Voice) -> None:
    assert forked(lambda: everything(voice)) == 0


def test_fork_after_everything_was_spoken(voice: voxstack.Voice) -> None:
    everything(voice)
    assert forked(lambda: everything(voice)) == 0
    everything(voice)


def test_fork_while_others_hold_all_turns(voice: voxstack.Voice) -> None:
    """Their threads are gone in the child, and their turns with them."""
    threads = [threading.Thread(target=lambda: list(voice.stream("a*b"))) for _ in range(4)]
    for thread in threads:
        thread.start()
    end = time.monotonic() + 10
    while voice.scheduler.queue.idle or not voice.scheduler.queue.wanted:
        assert time.monotonic() < end
        time.sleep(0.001)
    try:
        assert forked(lambda: everything(voice)) == 0
    finally:
        GATE.set()
    for thread in threads:
        thread.join(20)
    everything(voice)


def test_fork_while_locks_are_held(voice: voxstack.Voice) -> None:
    scheduler = voice.scheduler
    locks = [scheduler._lock, scheduler.queue._lock, scheduler.watchdog._lock, voice.addon.registry._lock]
    taken, go = threading.Event(), threading.Event()

    def hold() -> None:
        for lock in locks:
            lock.acquire()
        taken.set()
        go.wait(20)
        for lock in locks:
            lock.release()

    thread = threading.Thread(target=hold)
    thread.start()
    assert taken.wait(10)
    try:
        assert forked(lambda: everything(voice)) == 0
    finally:
        go.set()
        thread.join(10)
    everything(voice)


def test_fork_inside_a_block(voice: voxstack.Voice) -> None:
    voice.scheduler.voice = voice  # type: ignore[attr-defined]
    FORKED.clear()
    assert len(list(voice.stream("a/b"))) == 3
    assert FORKED == [0]
    everything(voice)


def test_a_stream_that_began_before_the_fork_ends_with_an_error_or_goes_on(voice: voxstack.Voice) -> None:
    """The thread of its ``Prefetch`` is gone in the child; its end counts for nobody there."""
    stream = voice.stream(TEXT)
    next(stream)

    def go_on() -> None:
        with pytest.raises(voxstack.BlockError, match="the thread that computes ahead is gone"):
            list(stream)
        assert voice.scheduler.streams == 0
        everything(voice)

    assert forked(go_on) == 0
    assert len(list(stream)) == len(TEXT) - 1
    everything(voice)


@pytest.fixture
def no_threads(monkeypatch: pytest.MonkeyPatch) -> Callable[[int | None], None]:
    """Let the next so many starts of threads fail; None: all."""
    start, left = threading.Thread.start, [0]

    def limit(count: int | None) -> None:
        left[0] = -1 if count is None else count

    def failing(self: threading.Thread) -> None:
        if left[0]:
            left[0] -= 1
            raise RuntimeError("can't start new thread")
        start(self)

    monkeypatch.setattr(threading.Thread, "start", failing)
    monkeypatch.setattr(worker_threads, "RETRY_PAUSE", 0.001)
    return limit


@pytest.mark.parametrize("failures", range(1, 8))
def test_starts_that_fail_for_a_moment_cost_nothing(
    voice: voxstack.Voice, no_threads: Callable[[int | None], None], failures: int
) -> None:
    no_threads(failures)
    everything(voice)
    no_threads(0)
    everything(voice)
    assert voice.scheduler.queue.idle == 2


def test_without_threads_callers_compute_and_the_others_are_refused(
    voice: voxstack.Voice, no_threads: Callable[[int | None], None]
) -> None:
    async def speak() -> list[Any]:
        return [chunk async for chunk in voice.astream(TEXT)]

    no_threads(None)
    assert len(list(voice.stream(TEXT, timeout=math.inf))) == len(TEXT), "Prefetch needs no thread"
    with pytest.raises(CapacityError, match=r"tiny: no thread can be started \(can't start new thread\)"):
        asyncio.run(speak())
    with pytest.raises(CapacityError, match="no thread can be started"):
        list(voice.stream(TEXT, timeout=5.0))
    assert (voice.scheduler.streams, voice.scheduler.queue.idle) == (0, 2)
    no_threads(0)
    everything(voice)


def test_a_caller_runs_what_waits_if_no_thread_can_be_started(
    voice: voxstack.Voice, no_threads: Callable[[int | None], None]
) -> None:
    scheduler, ran = Scheduler(1), []
    ticket = scheduler.admit("voice", lambda: 0.0)
    with ticket.turn():
        futures = [ticket.submit(lambda number=number: ran.append(number)) for number in range(3)]
        no_threads(None)
    assert ran == [0, 1, 2]
    assert all(future.done() for future in futures)
    assert scheduler.queue.idle == 1
