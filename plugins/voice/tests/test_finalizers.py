"""Streams that the garbage collector ends, wherever it runs."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from interleaving import CollectingLock, run_together
from tiny import plugin

import voxstack
from voxstack import Prefetch, Registry, Scheduler, StreamableBlock
from voxstack_voice import deadline_queue, scheduler, ticket

TEXT = "abcdef"


@dataclass
class Spell(StreamableBlock):
    """Says each letter as 10 samples of its number."""

    needs = frozenset({"text"})
    head = True
    makes = "samples"

    def stream(self, source: Any, utterance: Any) -> Any:
        for part in [utterance["text"]] if isinstance(utterance["text"], str) else utterance["text"]:
            for letter in part:
                yield np.full(10, ord(letter) / 256, np.float32)


@pytest.fixture
def load(write_addon: Callable[..., Path]) -> Callable[..., voxstack.Voice]:
    path = write_addon(stack=[{"type": "Spell"}, {"type": "Prefetch"}, {"type": "Prefetch", "chunks": 3}])

    def load() -> voxstack.Voice:
        registry = Registry({"test": plugin([Spell, Prefetch])})
        return voxstack.load(path, registry=registry, scheduler=Scheduler(2, load=None, patience=None))

    return load


def cycle(voice: voxstack.Voice, text: Any = TEXT) -> list[Any]:
    """Return a reference cycle with a stream in the middle of its text."""
    stream = voice.stream(text)
    next(stream)
    ring: list[Any] = [stream]
    ring.append(ring)
    return ring


def quiet(voice: voxstack.Voice) -> None:
    """Wait until nothing of any stream is left."""
    end = time.monotonic() + 20
    queue = voice.scheduler.queue
    while voice.scheduler.streams or queue.idle < queue.workers or prefetching():
        assert time.monotonic() < end, (voice.scheduler.streams, queue.idle, prefetching())
        time.sleep(0.005)


def prefetching() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "voxstack-prefetch"]


def test_a_collection_while_a_lock_is_held_ends_streams(
    load: Callable[..., voxstack.Voice], monkeypatch: pytest.MonkeyPatch
) -> None:
    pile: list[Any] = []
    for module in (deadline_queue, scheduler, ticket):
        monkeypatch.setattr(module, "Lock", lambda: CollectingLock(lambda: bool(pile) and bool(pile.pop())))
    voice = load()
    gc.disable()
    try:
        pile += [cycle(voice) for _ in range(60)]
        results = run_together([lambda: len(list(voice.stream(TEXT))) for _ in range(4)])
    finally:
        gc.enable()
    assert results == [len(TEXT)] * 4
    assert not pile, "too few locks were taken"
    gc.collect()  # a collection in another one does nothing
    quiet(voice)


def test_a_collection_at_every_allocation_ends_streams(load: Callable[..., voxstack.Voice]) -> None:
    voice = load()

    def speak() -> int:
        for _ in range(5):
            cycle(voice)
        return len(list(voice.stream(TEXT)))

    before = gc.get_threshold()
    gc.set_threshold(1)
    try:
        assert run_together([speak] * 3) == [len(TEXT)] * 3
    finally:
        gc.set_threshold(*before)
    gc.collect()
    quiet(voice)


def test_a_stream_in_a_cycle_with_its_text_becomes_garbage(load: Callable[..., voxstack.Voice]) -> None:
    """The threads of ``Prefetch`` hold on to nothing while they wait."""
    voice, closed = load(), []

    class Conversation:
        def __init__(self) -> None:
            self.stream = voice.stream(self.words())
            next(self.stream)

        def words(self) -> Iterator[str]:
            try:
                while True:
                    yield "a"
                    self.said = True
            finally:
                closed.append(True)

    Conversation()
    end = time.monotonic() + 20
    while not closed:  # a thread that is at a chunk has the stream until it is done
        assert time.monotonic() < end, "never collected"
        gc.collect()
    quiet(voice)


def test_a_stream_whose_event_loop_is_closed_is_not_counted(load: Callable[..., voxstack.Voice]) -> None:
    voice = load()
    loop = asyncio.new_event_loop()
    stream = voice.astream(TEXT)
    loop.run_until_complete(anext(stream))
    loop.close()
    assert voice.scheduler.streams == 1
    del stream
    gc.collect()
    quiet(voice)


EXIT = """
import asyncio, sys, voxstack
voice = voxstack.load("amber")
kept = []
async def main():
    stream = voice.astream("One sentence here. And another one, which is a little longer, there.")
    kept.append(stream)
    await anext(stream)
    {then}
{main}
"""


@pytest.mark.parametrize(
    ("then", "main"),
    [
        ("pass", "asyncio.run(main())"),
        ("sys.exit(3)", "asyncio.run(main())"),
        ("pass", "loop = asyncio.new_event_loop(); loop.run_until_complete(main())"),
        ("pass", "loop = asyncio.new_event_loop(); loop.run_until_complete(main()); loop.close()"),
        ("pass", "kept.append(voice.stream('One. Two. Three.')); next(kept[0])"),
    ],
    ids=["run", "exit", "open loop", "closed loop", "thread"],
)
def test_a_program_that_ends_with_an_open_stream_ends_in_silence(then: str, main: str) -> None:
    code = EXIT.format(then=then, main=main)
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert (run.returncode, run.stderr) == (3 if "exit" in then else 0, "")
