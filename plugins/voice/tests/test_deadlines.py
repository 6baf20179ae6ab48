"""Streams with a timeout: what hangs is ended, and named."""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny import plugin

import voxstack
from voxstack import DeadlineError, Prefetch, Registry, RequestError, Scheduler, StreamableBlock
from voxstack.streaming.turn import check_cancelled, interruptible, is_cancelled, waiting

RELEASE = threading.Event()


@dataclass
class Spell(StreamableBlock):
    """Says each letter as 10 samples of its number, from text in parts, too."""

    needs = frozenset({"text"})
    head = True
    makes = "samples"

    def stream(self, source: Any, utterance: Any) -> Any:
        parts = iter([utterance["text"]]) if isinstance(utterance["text"], str) else utterance["text"]
        while True:
            with waiting(for_input=True):
                part = next(parts, None)
            if part is None:
                return
            for letter in part:
                yield np.full(10, ord(letter) / 256, np.float32)


@dataclass
class Hang(StreamableBlock):
    """Hangs at the letter ``h``.

    :param how: ``long work`` looks whether it is cancelled, a ``network`` is interrupted, a ``loop`` never ends.
    """

    how: str = "long work"

    def stream(self, source: Any, utterance: Any) -> Any:
        for chunk in source:
            if chunk[0] == np.float32(ord("h") / 256):
                self.hang()
            yield chunk

    def hang(self) -> None:
        if self.how == "long work":
            while True:
                check_cancelled()
                time.sleep(0.001)
        elif self.how == "network":
            ended = threading.Event()
            with interruptible(ended.set), waiting():
                assert ended.wait(20)
            raise RuntimeError("terminated")
        else:
            RELEASE.wait(20)


@pytest.fixture
def load(write_addon: Callable[..., Path]) -> Iterator[Callable[..., voxstack.Voice]]:
    RELEASE.clear()
    count = iter(range(100))

    def load(how: str, *more: str, **options: Any) -> voxstack.Voice:
        stack = [{"type": "Spell"}, {"type": "Hang", "how": how}, *({"type": name} for name in more)]
        registry = Registry({"test": plugin([Spell, Hang, Prefetch])})
        return voxstack.load(
            write_addon(f"voice{next(count)}", stack=stack),
            registry=registry,
            scheduler=Scheduler(1, load=None, patience=None),
            **options,
        )

    yield load
    RELEASE.set()


async def collected(voice: voxstack.Voice, text: str, **request: Any) -> int:
    return len([chunk async for chunk in voice.astream(text, **request)])


def settled(voice: voxstack.Voice) -> bool:
    end = time.monotonic() + 10
    while voice.scheduler.streams or voice.scheduler.queue.idle < 1:
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True


@pytest.mark.parametrize("how", ["long work", "network"])
@pytest.mark.parametrize("prefetch", [(), ("Prefetch",)], ids=["plain", "prefetched"])
def test_a_chunk_that_takes_too_long_ends_the_stream_with_the_block(
    load: Callable[..., voxstack.Voice], how: str, prefetch: tuple[str, ...]
) -> None:
    voice = load(how, *prefetch)
    block = r"stack\[(2\]: Prefetch|1\]: Hang)" if prefetch else r"stack\[1\]: Hang"
    with pytest.raises(DeadlineError, match=rf"^{block}: no chunk was ready within 0.1 s"):
        next(voice.stream("hc", timeout=0.1))
    with pytest.raises(DeadlineError, match=block):
        asyncio.run(asyncio.wait_for(collected(voice, "hc", timeout=0.1), 20))
    assert settled(voice)
    assert len(list(voice.stream("abc", timeout=20))) == 3


def test_code_that_never_returns_takes_no_worker_and_no_listener(load: Callable[..., voxstack.Voice]) -> None:
    voice = load("loop")

    async def main() -> None:
        with pytest.raises(DeadlineError, match=r"^stack\[1\]: Hang: no chunk was ready within 0.1 s"):
            await collected(voice, "h", timeout=0.1)
        assert await collected(voice, "abc") == 3, "the only worker is free again"

    asyncio.run(asyncio.wait_for(main(), 20))
    assert settled(voice)
    RELEASE.set()
    time.sleep(0.05)
    assert voice.scheduler.queue.idle == 1, "the thread that came back gave its worker back twice"


@pytest.mark.parametrize("how", ["long work", "loop"])
def test_what_hangs_ahead_of_demand_takes_no_worker(load: Callable[..., voxstack.Voice], how: str) -> None:
    """The thread of ``Prefetch`` hangs in the only turn, before the chunk is asked for."""
    voice = load(how, "Prefetch")
    stream = voice.stream("ah", timeout=1.0)
    next(stream)
    end = time.monotonic() + 10
    while voice.scheduler.queue.idle:  # until the thread has the turn
        assert time.monotonic() < end
        time.sleep(0.001)
    with pytest.raises(DeadlineError, match=r"no chunk was ready within 1 s"):
        next(stream)
    assert settled(voice)
    RELEASE.set()


def test_waiting_for_the_text_or_for_a_worker_does_not_count(load: Callable[..., voxstack.Voice]) -> None:
    voice, other = load("loop"), load("loop")

    def slowly() -> Iterator[str]:
        yield "a"
        time.sleep(1.5)
        yield "b"

    ticket, started = voice.scheduler.admit("other", lambda: 0.0), threading.Event()

    def hold() -> None:
        with ticket.turn():
            started.set()
            time.sleep(1.5)

    thread = threading.Thread(target=hold)
    thread.start()
    assert started.wait(10)
    lengths: list[int] = []
    waits = threading.Thread(target=lambda: lengths.append(len(list(voice.stream("abc", timeout=1.0)))))
    waits.start()
    assert len(list(other.stream(slowly(), timeout=1.0))) == 2
    waits.join(20)
    thread.join(20)
    assert lengths == [3]


def test_an_addon_from_a_stranger_has_a_limit_and_a_trusted_one_has_none(load: Callable[..., voxstack.Voice]) -> None:
    assert load("loop").timeout == 60.0
    assert load("loop", trust=True).timeout is None
    assert load("loop", timeout=math.inf).timeout is None
    voice = load("long work", trust=True, timeout=0.1)
    with pytest.raises(DeadlineError):
        list(voice.stream("h"))


@pytest.mark.parametrize("timeout", [0, -1.0, "5", math.nan, True])
def test_a_timeout_is_a_positive_number(load: Callable[..., voxstack.Voice], timeout: Any) -> None:
    with pytest.raises(RequestError, match=r"timeout is .*; give seconds, more than 0, or math.inf"):
        load("loop").stream("a", timeout=timeout)


def test_closing_reaches_long_work(load: Callable[..., voxstack.Voice]) -> None:
    voice = load("long work")

    async def main() -> None:
        task = asyncio.ensure_future(collected(voice, "ah"))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert settled(voice)


def test_code_without_a_turn_is_never_cancelled() -> None:
    check_cancelled()
    assert not is_cancelled()
    with interruptible(lambda: None):
        pass
