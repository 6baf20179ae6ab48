"""Traces: the time of each block of an utterance, which is its own alone."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest

from voxstack import Frames, SequenceBlock, StreamableBlock, StreamablePipeline, StreamableStack, Utterance
from voxstack.blocks import Block, children
from voxstack.streaming import tracing
from voxstack.streaming.faults import pull
from voxstack.streaming.tracing import Trace


class Clock:
    """A clock that blocks set forward: they take exactly the time that they claim to take."""

    def __init__(self) -> None:
        self.now = 0.0

    def perf_counter(self) -> float:
        return self.now


@dataclass
class Slow(SequenceBlock):
    """Adds nothing, in one second."""

    clock: Clock

    def __call__(self, utterance: Utterance) -> Utterance:
        self.clock.now += 1
        return {}


@dataclass
class Count(StreamableBlock):
    """Yields three chunks, in ten seconds each."""

    clock: Clock
    head = True

    def stream(self, source: Frames, utterance: Utterance) -> Frames:
        for _ in range(3):
            self.clock.now += 10
            yield np.ones(2, np.float32)


@dataclass
class Double(StreamableBlock):
    """Doubles chunks, in 100 seconds each, or fails."""

    clock: Clock
    fails: bool = False

    def stream(self, source: Frames, utterance: Utterance) -> Frames:
        for chunk in source:
            self.clock.now += 100
            if self.fails:
                raise ValueError("as requested")
            yield 2 * chunk


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(tracing, "time", SimpleNamespace(perf_counter=found.perf_counter))
    return found


def placed(block: Block, path: str = "stack") -> Block:
    """Return the block, with the paths that the interpreter gives to it and the blocks inside."""
    block.stack_path = path
    for inner_path, inner in children(block, path):
        placed(inner, inner_path)
    return block


def pipeline(clock: Clock, fails: bool = False) -> StreamableBlock:
    block = StreamablePipeline(Slow(clock), StreamableStack([Count(clock), Double(clock, fails)]))
    placed(block)
    return block


def figures(trace: Trace) -> dict[str, tuple[int, float, float | None]]:
    return {time.block: (time.calls, time.seconds, time.first) for time in trace.blocks()}


def test_each_block_has_the_time_that_is_its_own(clock: Clock) -> None:
    trace = Trace()
    chunks = list(pull(pipeline(clock), iter(()), {"trace": trace}))
    np.testing.assert_array_equal(np.concatenate(chunks), np.full(6, 2, np.float32))
    assert figures(trace) == {
        "Slow": (1, 1, None),
        "Count": (4, 30, None),
        "Double": (4, 300, None),
        "StreamableStack": (4, 0, None),
        "StreamablePipeline": (4, 0, None),
    }
    assert trace.blocks()[1].path == "stack.streamable_block.stack[0]"


def test_the_time_before_the_first_audio_is_marked_once(clock: Clock) -> None:
    trace = Trace()
    for _ in pull(pipeline(clock), iter(()), {"trace": trace}):
        trace.mark_first_audio()
    found = figures(trace)
    assert (found["Slow"], found["Count"], found["Double"]) == ((1, 1, 1), (4, 30, 10), (4, 300, 100))


def test_time_until_an_error_or_an_early_close_counts(clock: Clock) -> None:
    trace = Trace()
    with pytest.raises(ValueError, match="as requested"):
        list(pull(pipeline(clock, fails=True), iter(()), {"trace": trace}))
    assert figures(trace)["Double"] == (1, 100, None)
    frames = pull(pipeline(clock), iter(()), {"trace": trace})
    next(frames)
    frames.close()  # type: ignore[attr-defined]
    assert figures(trace)["Double"] == (2, 200, None)


def test_blocks_outside_the_stack_count_to_the_block_around_them(clock: Clock) -> None:
    trace, block = Trace(), pipeline(clock)
    for _, inner in children(block, "stack"):
        inner.stack_path = ""
    list(pull(block, iter(()), {"trace": trace}))
    assert figures(trace) == {"Count": (4, 30, None), "Double": (4, 300, None), "StreamablePipeline": (4, 1, None)}


def test_threads_add_up(clock: Clock) -> None:
    trace, block = Trace(), pipeline(clock)
    for _ in range(2):
        thread = threading.Thread(target=lambda: list(pull(block, iter(()), {"trace": trace})))
        thread.start()
        thread.join()
    assert figures(trace)["Double"] == (8, 600, None)


def test_without_a_trace_nothing_is_timed(clock: Clock) -> None:
    block = pipeline(clock)
    with pytest.MonkeyPatch.context() as patch:
        patch.delattr(tracing.time, "perf_counter")
        assert len(list(pull(block, iter(()), {"trace": None}))) == len(list(pull(block, iter(()), {}))) == 3
