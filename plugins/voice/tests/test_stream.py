"""Streams while they run: errors, closing, asyncio, many at once."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny import plugin

import voxstack
from voxstack import (
    BlockError,
    CapacityError,
    Prefetch,
    Registry,
    RequestError,
    Scheduler,
    SequenceBlock,
    StreamableBlock,
)
from voxstack.streaming.turn import check_cancelled, waiting

SAMPLES = 100


@dataclass
class Spell(StreamableBlock):
    """Says each letter as 100 samples of its number; ``~`` breaks it, ``?`` is a bad request."""

    needs = frozenset({"text"})
    head = True
    makes = "samples"

    def stream(self, source: Any, utterance: Any) -> Any:
        text = utterance["text"]
        for piece in [text] if isinstance(text, str) else awaited(text):
            for letter in piece:
                if letter == "~":
                    raise ZeroDivisionError("no such letter")
                if letter == "?":
                    raise RequestError("Spell: '?' cannot be said; leave it out")
                yield np.full(SAMPLES, ord(letter) / 256, np.float32)


@dataclass
class Busy(StreamableBlock):
    """Computes without end, until its stream is closed."""

    needs = frozenset({"text"})
    head = True
    makes = "samples"

    def stream(self, source: Any, utterance: Any) -> Any:
        while True:
            check_cancelled()
            time.sleep(0.001)
        yield


def awaited(pieces: Iterator[str]) -> Iterator[str]:
    while True:
        with waiting():
            piece = next(pieces, None)
        if piece is None:
            return
        yield piece


@dataclass
class Halve(SequenceBlock):
    """Fails for any utterance."""

    needs = gives = frozenset({"text"})

    def __call__(self, utterance: Any) -> Any:
        raise KeyError("tokens")


@dataclass
class Watch(StreamableBlock):
    """Passes all, and keeps a list of what was closed.

    :param name: told apart by this.
    """

    name: str = "watch"
    _closed: list[str] = field(default_factory=list, init=False, repr=False, compare=False)

    def stream(self, source: Any, utterance: Any) -> Any:
        try:
            yield from source
        finally:
            self._closed.append(self.name)


@pytest.fixture
def load(write_addon: Callable[..., Path]) -> Callable[..., voxstack.Voice]:
    def load(*stack: dict[str, Any], **options: Any) -> voxstack.Voice:
        registry = Registry({"test": plugin([Spell, Busy, Halve, Watch, Prefetch])})
        scheduler = Scheduler(workers=2, **options)
        return voxstack.load(
            write_addon(stack=list(stack or [{"type": "Spell"}])), registry=registry, scheduler=scheduler
        )

    return load


def joined(chunks: Any) -> np.ndarray:
    return np.concatenate([chunk.samples for chunk in chunks])


async def collected(chunks: Any) -> np.ndarray:
    return joined([chunk async for chunk in chunks])


NESTED = {"type": "StreamableStack", "stack": [{"type": "Watch"}, {"type": "Watch"}]}
PIPELINE = {"type": "StreamablePipeline", "sequence_block": {"type": "Halve"}, "streamable_block": {"type": "Spell"}}


@pytest.mark.parametrize(
    ("stack", "problem"),
    [
        ([{"type": "Spell"}], r"^stack\[0\]: Spell: ZeroDivisionError: no such letter"),
        ([{"type": "Spell"}, NESTED, {"type": "Prefetch"}], r"^stack\[0\]: Spell: ZeroDivisionError"),
        ([PIPELINE], r"^stack\[0\]\.sequence_block: Halve: KeyError: 'tokens'"),
    ],
    ids=["alone", "on another thread", "sequence block"],
)
def test_an_error_names_the_block_by_its_path(
    load: Callable[..., voxstack.Voice], stack: list[Any], problem: str
) -> None:
    with pytest.raises(BlockError, match=problem) as caught:
        list(load(*stack).stream("a~"))
    assert isinstance(caught.value.__cause__, (ZeroDivisionError, KeyError))


def test_what_is_wrong_with_the_request_stays_a_request_error(load: Callable[..., voxstack.Voice]) -> None:
    with pytest.raises(RequestError, match="cannot be said; leave it out"):
        list(load().stream("a?"))


def test_an_error_ends_no_other_stream(load: Callable[..., voxstack.Voice]) -> None:
    voice = load({"type": "Spell"}, {"type": "Watch"})

    async def main() -> list[Any]:
        texts = ["abc~", "abcd", "a~", "xyz"]
        return await asyncio.gather(*(collected(voice.astream(text)) for text in texts), return_exceptions=True)

    first, second, third, fourth = asyncio.run(main())
    assert isinstance(first, BlockError)
    assert isinstance(third, BlockError)
    np.testing.assert_array_equal(second, voice.synthesize("abcd").samples)
    np.testing.assert_array_equal(fourth, voice.synthesize("xyz").samples)


def test_closing_closes_every_block_from_the_end_to_the_head(load: Callable[..., voxstack.Voice]) -> None:
    inner = {"type": "StreamableStack", "stack": [{"type": "Watch", "name": "b"}]}
    voice = load(
        {"type": "Spell"}, {"type": "Watch", "name": "a"}, {"type": "Prefetch"}, inner, {"type": "Watch", "name": "c"}
    )
    closed = [voice.block.stack[1]._closed, voice.block.stack[3].stack[0]._closed, voice.block.stack[4]._closed]
    stream = voice.stream("abcdef")
    next(stream)
    stream.close()
    wait_for(lambda: not [thread for thread in threading.enumerate() if thread.name == "voxstack-prefetch"])
    assert closed == [["a"], ["b"], ["c"]]


def test_a_stream_that_is_left_alone_is_closed(load: Callable[..., voxstack.Voice]) -> None:
    voice = load({"type": "Spell"}, {"type": "Watch"}, {"type": "Prefetch"})
    for chunk in voice.stream("abcdef"):
        assert len(chunk.samples)
        break
    gc.collect()
    wait_for(lambda: voice.block.stack[1]._closed == ["watch"])
    assert voice.scheduler.demand() == 0
    assert not voice.scheduler.streams


def test_asyncio_gives_the_same_and_never_waits_in_the_loop(load: Callable[..., voxstack.Voice]) -> None:
    voice, ticks = load(), 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0)

    async def main() -> list[np.ndarray]:
        ticking = asyncio.ensure_future(tick())
        made = await asyncio.gather(*(collected(voice.astream("hello" * 3)) for _ in range(8)))
        ticking.cancel()
        return made

    for samples in asyncio.run(main()):
        np.testing.assert_array_equal(samples, voice.synthesize("hello" * 3).samples)
    assert ticks > 10


def test_asyncio_makes_one_chunk_ahead_and_no_more(load: Callable[..., voxstack.Voice]) -> None:
    voice, pulled = load(), []

    async def main() -> None:
        pieces = (pulled.append(letter) or letter for letter in "abcdef")
        async with aclosing(voice.astream(pieces)) as chunks:
            await anext(chunks)
            await asyncio.sleep(0.05)

    asyncio.run(main())
    assert pulled == ["a", "b"]


def test_cancelling_a_task_closes_its_stream(load: Callable[..., voxstack.Voice]) -> None:
    voice = load({"type": "Spell"}, {"type": "Watch"})

    async def main() -> None:
        task = asyncio.ensure_future(collected(voice.astream("a" * 10**9)))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    wait_for(lambda: not voice.scheduler.streams)
    assert voice.block.stack[1]._closed == ["watch"]


def test_a_stream_that_is_cancelled_before_its_first_chunk_leaves_no_error(
    load: Callable[..., voxstack.Voice],
) -> None:
    voice, left = load({"type": "Busy"}, patience=20.0), []

    async def first_chunk() -> voxstack.Chunk:
        async with aclosing(voice.astream("a")) as chunks:
            return await anext(chunks)

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: left.append(context["message"]))
        for _ in range(6):  # the threads hold a chunk until they have the next
            task = asyncio.ensure_future(first_chunk())
            await asyncio.sleep(0.02)
            task.cancel()
            await asyncio.wait([task])
            await asyncio.to_thread(wait_for, lambda: not voice.scheduler.streams)
            await asyncio.sleep(0.01)  # until the error of the chunk has come from its thread
        del task
        gc.collect()

    asyncio.run(asyncio.wait_for(main(), 20))
    assert left == []


def test_text_arrives_while_it_is_spoken(load: Callable[..., voxstack.Voice]) -> None:
    voice = load()

    async def main() -> list[int]:
        arrived, starts = asyncio.Event(), []

        async def pieces() -> AsyncIterator[str]:
            yield "ab"
            await arrived.wait()
            yield "c"

        async for chunk in voice.astream(pieces()):
            starts.append(chunk.start)
            if len(starts) == 2:
                arrived.set()
        return starts

    assert asyncio.run(asyncio.wait_for(main(), 20)) == [0, 100, 200]
    assert [chunk.start for chunk in voice.stream(iter(["ab", "", "c"]))] == [0, 100, 200]


def test_waiting_for_text_keeps_nobody_from_speaking_and_can_be_left(load: Callable[..., voxstack.Voice]) -> None:
    """More streams wait for text than there are workers; each is closed while it waits."""
    voice, closed = load(), []

    async def never() -> AsyncIterator[str]:
        try:
            yield "a"
            await asyncio.Event().wait()
        finally:
            closed.append(True)

    async def main() -> None:
        stuck = [voice.astream(never()) for _ in range(6)]
        for stream in stuck:
            assert (await anext(stream)).start == 0
        assert len(await collected(voice.astream("abc"))) == 300
        for stream in stuck:
            await stream.aclose()

    asyncio.run(asyncio.wait_for(main(), 20))
    assert closed == [True] * 6
    wait_for(lambda: voice.scheduler.queue.idle == 2 and not voice.scheduler.streams)


def test_an_error_in_the_text_ends_the_stream(load: Callable[..., voxstack.Voice]) -> None:
    async def broken() -> AsyncIterator[str]:
        yield "a"
        raise OSError("the line is dead")

    with pytest.raises(OSError, match="the line is dead"):
        asyncio.run(collected(load().astream(broken())))


def test_a_voice_says_so_when_there_is_no_room(load: Callable[..., voxstack.Voice]) -> None:
    voice = load(load=0.5)
    voice.scheduler._costs["tiny"] = 0.4  # seconds of work for a second of audio, as if it had been measured
    one, two = voice.stream("abc"), voice.stream("abc")
    next(one), next(two)
    with pytest.raises(CapacityError, match="tiny: 2 streams run"):
        next(voice.stream("abc"))
    assert len(voice.synthesize("abc").samples) == 300, "what nobody listens to need not keep up"
    one.close()
    assert len(joined(voice.stream("abc"))) == 300


@pytest.mark.parametrize("prefetch", [False, True], ids=["plain", "with threads of its own"])
def test_nothing_stays_behind(load: Callable[..., voxstack.Voice], prefetch: bool) -> None:
    """Hundreds of streams, a third of them left half way, in threads and in asyncio."""
    stack = [{"type": "Spell"}, *([{"type": "Prefetch"}] if prefetch else []), {"type": "Watch"}]
    voice = load(*stack, load=None, patience=None)

    def speak(number: int) -> None:
        for chunk in voice.stream("hello"):
            if number % 3 == 0 and chunk.start == 200:
                break

    async def aspeak(number: int) -> None:
        async with aclosing(voice.astream("hello")) as chunks:
            async for chunk in chunks:
                if number % 3 == 0 and chunk.start == 200:
                    break

    async def many() -> None:
        await asyncio.gather(*(aspeak(number) for number in range(100)))

    def rounds() -> None:
        for _ in range(2):
            workers = [threading.Thread(target=lambda: [speak(i) for i in range(20)]) for _ in range(4)]
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join(30)
            asyncio.run(many())

    rounds()
    wait_for(lambda: not voice.scheduler.streams)
    before, generators = threading.active_count(), len([o for o in gc.get_objects() if isinstance(o, Iterator)])
    rounds()
    wait_for(lambda: not voice.scheduler.streams)
    gc.collect()
    wait_for(lambda: voice.scheduler.queue.idle == 2)
    waiting_threads = 100 if prefetch else 0  # a stream that waits for its own thread keeps one of the scheduler's
    assert threading.active_count() <= before + waiting_threads
    wait_for(lambda: not [thread for thread in threading.enumerate() if thread.name == "voxstack-prefetch"])
    assert len([o for o in gc.get_objects() if isinstance(o, Iterator)]) <= generators + 5
    assert len(voice.block.stack[-1]._closed) == 2 * 2 * (80 + 100)


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end, "it did not come to that in ten seconds"
        time.sleep(0.005)
