"""The lengths of chunks that suit other streams, as learnt from what chunks cost."""

from __future__ import annotations

import asyncio
import math
from contextlib import aclosing
from random import Random

import numpy as np
import pytest

import voxstack
from voxstack import Schedule
from voxstack_voice.costs import BACKGROUND_TURN, EFFICIENT, MAX_OVERHEAD, ChunkCosts, MachineShare, SpeedMeter
from voxstack_voice.deadline_queue import DeadlineQueue
from voxstack_voice.playback import Playback


def learnt(base: float, slope: float, *lengths: float, noise: float = 0.0) -> ChunkCosts:
    costs, random = ChunkCosts(), Random(0)
    for length in lengths:
        costs.learn(length, base + slope * length + noise * random.random())
    return costs


def test_the_overhead_of_a_chunk_is_that_of_a_line_through_its_costs() -> None:
    assert learnt(0.002, 0.01, 0.3, 0.6, 1.2, 0.3, 2.4).overhead == pytest.approx(0.2)
    assert learnt(0.002, 0.01, *[0.3, 0.6] * 50, noise=0.0005).overhead == pytest.approx(0.225, abs=0.03)


@pytest.mark.parametrize(
    "costs",
    [
        learnt(0.002, 0.01),
        learnt(0.002, 0.01, 0.3, 0.6, 1.2),  # too few
        learnt(0.002, 0.01, *[0.3] * 100),  # all of one length
        learnt(0.002, -0.01, 0.01, 0.02, 0.04, 0.08, 0.1),
        learnt(-0.002, 0.01, 0.3, 0.6, 1.2, 2.4),
    ],
)
def test_what_is_unknown_demands_nothing(costs: ChunkCosts) -> None:
    assert costs.overhead == 0


def test_unusual_costs_do_no_harm() -> None:
    assert learnt(1.0, 0.01, 0.3, 0.6, 1.2, 2.4).overhead == MAX_OVERHEAD


def test_newer_chunks_count_more() -> None:
    costs = learnt(0.001, 0.01, *[0.3, 0.6, 1.2] * 100)
    for length in [0.3, 0.6, 1.2] * 100:
        costs.learn(length, 0.002 + 0.01 * length)
    assert costs.overhead == pytest.approx(0.2, rel=0.05)


@pytest.fixture(scope="module")
def amber() -> voxstack.Voice:
    return voxstack.load("amber")


@pytest.fixture
def queue() -> DeadlineQueue:
    return DeadlineQueue(1)


def meter(queue: DeadlineQueue, cost: float = 0.01) -> SpeedMeter:
    return SpeedMeter({"voice": cost}, "voice", queue, MachineShare(), learnt(0.002, 0.01, 0.3, 0.6, 1.2, 2.4))


def test_chunks_are_as_short_as_they_like_while_nobody_waits(queue: DeadlineQueue) -> None:
    assert meter(queue).lengths(live=True) == (0, math.inf)
    assert meter(queue).lengths(live=False) == (0, math.inf)


def test_where_others_wait_chunks_are_worth_their_work_and_those_without_a_listener_short(queue: DeadlineQueue) -> None:
    queue.acquire(0.0)
    assert meter(queue).lengths(live=False) == (0, BACKGROUND_TURN / 0.01), "all workers are busy"
    queue.submit(0.0, lambda: None)
    assert meter(queue).lengths(live=True) == (pytest.approx(EFFICIENT * 0.2), math.inf)
    assert meter(queue).lengths(live=False) == (0, BACKGROUND_TURN / 0.01)
    assert meter(queue, cost=0.0).lengths(live=False) == (0, math.inf), "its cost is unknown"
    queue.release()


def test_the_schedule_keeps_to_them() -> None:
    playback = Playback(1000, lengths=lambda live: (0.05, 0.08))
    sizes = Schedule(first=20, playback=playback).sizes()
    assert next(sizes) == 20, "the first audio does not wait for more"
    playback.delivered(20)
    assert next(sizes) == 50
    background = Schedule(first=20, playback=Playback(1000, live=False, lengths=lambda live: (0.0, 0.08))).sizes()
    assert [next(background) for _ in range(2)] == [80, 80]


def test_no_chunk_goes_beyond_the_horizon() -> None:
    horizon = [0.1]
    playback = Playback(1000, speed=lambda: 100.0, lengths=lambda live: (0.05, math.inf), horizon=lambda: horizon[0])
    sizes = Schedule(first=20, playback=playback).sizes()
    assert next(sizes) == 20
    playback.delivered(20)
    assert next(sizes) == 80
    playback.delivered(80)
    assert next(sizes) == 20, "the shortest there is"
    playback.delivered(20)
    horizon[0] = 0.2
    assert next(sizes) == 80


def test_a_horizon_cuts_the_same_samples(amber: voxstack.Voice) -> None:
    text = "The kitchen light is on, and the door is closed, and so are all the windows of the house."

    async def chunks() -> list[voxstack.Chunk]:
        async with aclosing(amber.astream(text, horizon=lambda: 0.5)) as found:
            return [chunk async for chunk in found]

    found = asyncio.run(chunks())
    np.testing.assert_allclose(
        np.concatenate([chunk.samples for chunk in found]), amber.synthesize(text).samples, atol=1e-4
    )
    shortest = len(found[0].samples)
    assert {len(chunk.samples) for chunk in found[3:-1]} == {shortest}
    assert {chunk.sample_rate for chunk in found} == {16_000}
