"""More streams than the machine keeps up with: which are refused, and when."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny import plugin

import voxstack
from voxstack import CapacityError, Registry, Scheduler, StreamableBlock, waiting
from voxstack_voice.costs import MachineShare
from voxstack_voice.deadline_queue import DeadlineQueue
from voxstack_voice.playback import LATE, Playback
from voxstack_voice.scheduler import LATE_MEMORY, UNSTEADY, Ticket

PATIENCE = 0.2
OBSERVE = MachineShare.observe  # the other tests do without


@dataclass
class Tone(StreamableBlock):
    """Gives a few samples, once it has waited for something else."""

    needs = frozenset({"text"})
    head = True
    makes = "samples"

    def stream(self, source: Any, utterance: Any) -> Any:
        with waiting():
            time.sleep(0.001)
        yield np.zeros(100, np.float32)


@pytest.fixture
def voice(write_addon: Callable[..., Path]) -> voxstack.Voice:
    registry = Registry({"test": plugin([Tone])})
    scheduler = Scheduler(workers=1, load=None, patience=PATIENCE)
    return voxstack.load(write_addon(stack=[{"type": "Tone"}]), registry=registry, scheduler=scheduler)


@contextmanager
def playing(scheduler: Scheduler) -> Iterator[Ticket]:
    """Hold the only worker for a stream that plays."""
    ticket = scheduler.admit("other", lambda: 0.0)
    ticket.record_audio(1.0)
    with ticket.turn():
        yield ticket
    ticket.leave()


def test_a_stream_whose_turn_does_not_come_is_refused(voice: voxstack.Voice) -> None:
    with playing(voice.scheduler):
        began = time.monotonic()
        with pytest.raises(CapacityError, match=r"keeps up with no more streams .* this one waited for 0\.2 s"):
            next(voice.stream("a"))
        assert time.monotonic() - began >= PATIENCE
    assert voice.scheduler.streams == 0
    assert voice.scheduler.queue.wanted == 0
    assert len(list(voice.stream("a"))) == 1


def test_the_same_for_asyncio(voice: voxstack.Voice) -> None:
    async def run() -> None:
        with playing(voice.scheduler):
            with pytest.raises(CapacityError, match="keeps up with no more streams"):
                async with aclosing(voice.astream("a")) as chunks:
                    await anext(chunks)
            assert voice.scheduler.queue.wanted <= 2, "its first chunk, which does nothing now, and closing its blocks"
        async with aclosing(voice.astream("a")) as chunks:
            assert len([chunk async for chunk in chunks]) == 1

    asyncio.run(run())


def test_a_stream_that_waited_in_a_block_is_refused_when_its_turn_does_not_come_again(voice: voxstack.Voice) -> None:
    scheduler, held, done = voice.scheduler, threading.Event(), threading.Event()

    def hold() -> None:
        while not scheduler.streams:
            time.sleep(0.0001)
        with playing(scheduler):
            held.set()
            done.wait(20)

    thread = threading.Thread(target=hold)
    thread.start()
    for _ in range(200):  # until the other is served while this stream waits in its block
        try:
            next(voice.stream("a"))
        except CapacityError as error:
            assert "this one waited for" in str(error)
            break
    done.set()
    thread.join(20)
    assert held.is_set()


def test_streams_without_a_listener_and_those_that_play_wait_as_long_as_it_takes(voice: voxstack.Voice) -> None:
    scheduler = voice.scheduler
    patient = scheduler.admit("voice", lambda: 0.0, refuse=False)
    played = scheduler.admit("voice", lambda: 0.0)
    played.record_audio(1.0)
    assert patient.patience() == played.patience() == -1
    new = scheduler.admit("voice", lambda: 0.0)
    assert new.patience() == PATIENCE
    assert Scheduler(patience=None).admit("voice", lambda: 0.0).patience() == -1


def test_what_goes_on_for_a_stream_that_was_admitted_is_not_refused(voice: voxstack.Voice) -> None:
    voice.scheduler.load = 1e-9
    voice.synthesize("Its cost is known then.")

    async def speak(admitted: bool) -> int:
        async with aclosing(voice.astream("a", admitted=admitted)) as chunks:
            return sum([len(chunk.samples) async for chunk in chunks])

    other = voice.scheduler.admit(voice.name, lambda: 0.0)
    with pytest.raises(CapacityError, match="1 streams run"):
        asyncio.run(speak(admitted=False))
    assert asyncio.run(speak(admitted=True)) == 100
    other.leave()
    end = time.monotonic() + 30
    while voice.scheduler.streams and time.monotonic() < end:  # a thread closes the stream
        time.sleep(0.01)
    assert voice.scheduler.streams == 0


def test_a_turn_that_is_granted_at_the_last_moment_is_taken() -> None:
    queue = DeadlineQueue(1)
    queue.acquire(0.0)
    assert not queue.acquire(0.0, timeout=0.01)
    assert queue.wanted == 0
    withdraw = queue._withdraw

    def too_late(entry: Any) -> bool:
        queue.release()
        return withdraw(entry)

    queue._withdraw = too_late  # type: ignore[method-assign]
    assert queue.acquire(0.0, timeout=0.01)
    queue.release()
    assert queue.idle == 1


def test_where_chunks_come_late_new_streams_are_refused_for_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    scheduler = Scheduler(workers=2)
    ticket = scheduler.admit("voice", lambda: 0.0)
    ticket.record_audio(0.1, late=True)
    scheduler.admit("voice", lambda: 0.0).leave()
    ticket.record_audio(0.1, late=True)
    with pytest.raises(CapacityError, match="1 streams run, and their audio comes late"):
        scheduler.admit("voice", lambda: 0.0)
    scheduler.admit("voice", lambda: 0.0, refuse=False).leave()
    now = time.perf_counter()
    monkeypatch.setattr("voxstack_voice.scheduler.time.perf_counter", lambda: now + LATE_MEMORY)
    scheduler.admit("voice", lambda: 0.0).leave()
    for _ in range(5):
        ticket.record_audio(0.1)
    monkeypatch.undo()
    scheduler.admit("voice", lambda: 0.0).leave()


def test_late_is_what_was_requested_in_time() -> None:
    clock = itertools.count()
    times = iter([0.0, 0.0, 0.1, 0.1, 0.15, 0.2, 0.3, 0.2 + 1.0 + LATE / 2, 1.4, 2.0, 2.1, 3.2])
    playback = Playback(1000, clock=lambda: (next(clock), next(times))[1])
    playback.wanted()
    assert not playback.delivered(100), "the first is never late"  # at 0.1, runs out at 0.2
    playback.wanted()  # at 0.1
    assert not playback.delivered(1050)  # at 0.15, runs out at 1.25
    playback.wanted()  # at 0.2
    assert not playback.delivered(100)  # at 0.3, runs out at 1.35
    playback.wanted()  # at 1.21
    assert playback.delivered(500), "requested in time"  # at 1.4, runs out at 1.9
    playback.wanted()  # at 2.0
    assert not playback.delivered(100), "the listener had paused"  # at 2.1
    assert playback.late_chunks == 2


def test_a_machine_that_others_use_is_counted_on_for_less() -> None:
    scheduler = Scheduler(workers=2, load=1.0)
    ticket = scheduler.admit("voice", lambda: 0.0)
    ticket.add_seconds(0.1)
    ticket.record_audio(1.0)
    ticket.leave()
    assert scheduler.demand() == 0
    OBSERVE(scheduler.machine, 1.0, 1.0)
    assert scheduler.machine.share == pytest.approx(0.5)
    for _ in range(int(2 * 0.5 * UNSTEADY / 0.1)):
        scheduler.admit("voice", lambda: 0.0).record_audio(1.0)
    with pytest.raises(CapacityError, match="of which other programs leave 50%"):
        scheduler.admit("voice", lambda: 0.0)


def test_a_turn_reports_whether_others_use_the_machine() -> None:
    scheduler = Scheduler()
    with scheduler.admit("voice", lambda: 0.0).turn() as turn:
        assert not turn.crowded
        OBSERVE(scheduler.machine, 1.0, 1.0)
        assert turn.crowded


def test_the_share_of_the_machine_follows_what_others_do() -> None:
    machine = MachineShare()
    for _ in range(20):
        OBSERVE(machine, 0.1, 0.0)
    for _ in range(5):
        OBSERVE(machine, 0.1, 0.3)
    assert machine.share < 0.3
    for _ in range(15):
        OBSERVE(machine, 0.1, 0.0)
    assert machine.share > 0.9
    OBSERVE(machine, 0.001, 0.02)
    assert machine.share > 0.85, "a short turn says little"


def test_threads_that_wait_for_each_other_take_nothing_from_the_machine() -> None:
    queue = DeadlineQueue(2, spare=1)
    assert queue.free == 2
    assert queue.crowding == queue.competitors == 1
    for _ in range(3):
        queue.acquire(0.0)
    assert queue.free == 0
    assert queue.crowding == 1.5
    queue.submit(0.0, lambda: None)
    assert queue.competitors == 2
    for _ in range(3):
        queue.release()
