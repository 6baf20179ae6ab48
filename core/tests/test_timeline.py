from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny import plugin

import voxstack
from voxstack import Registry, StreamableBlock, StreamableWrapper
from voxstack.streaming.timeline import Timeline


def test_events_come_out_by_time_with_the_audio_that_holds_them() -> None:
    timeline = Timeline(100)
    timeline.add("word", "two", 50, 10, (4, 7))
    timeline.add("word", "one", 10, 20, (0, 3))
    assert [event.text for event in timeline.take(0.5)] == ["one"]
    (two,) = timeline.take(0.51)
    assert (two.start, two.duration, two.span) == (0.5, 0.1, (4, 7))
    assert timeline.take(9) == ()


def test_events_of_one_moment_keep_their_order() -> None:
    timeline = Timeline(100)
    for name in "cab":
        timeline.add("mark", name, 5, 0)
    assert [event.text for event in timeline.take(1)] == ["c", "a", "b"]


def test_views_add_up() -> None:
    """Frames of 10 samples in a sentence that begins at sample 300 of a stream that is resampled to twice the rate."""
    timeline = Timeline(2000)
    timeline.within(hop=2.0).within(offset=300).within(hop=10.0).add("word", "x", 7, 3)
    (event,) = timeline.take(9)
    assert event.start == pytest.approx((300 + 70) * 2 / 2000)
    assert event.duration == pytest.approx(30 * 2 / 2000)


@dataclass
class Letters(StreamableBlock):
    """Says each letter as 5 steps, and tells when."""

    needs = frozenset({"text"})
    head = True

    def stream(self, source: Any, utterance: Any) -> Any:
        for number, letter in enumerate(utterance["text"]):
            utterance["timeline"].add("letter", letter, 5 * number, 5, (number, number + 1))
            if letter != "!":
                yield np.full(5, ord(letter), np.float32)


@dataclass
class Repeat(StreamableBlock):
    """Repeats every step.

    :param times: so often.
    """

    times: int = 3
    hop = 3.0
    makes = "samples"

    def stream(self, source: Any, utterance: Any) -> Any:
        for chunk in source:
            yield np.repeat(chunk, self.times)


@dataclass
class Twice(StreamableWrapper):
    """Says everything twice.

    :param block: what to say.
    """

    block: StreamableBlock

    @property
    def inner(self) -> StreamableBlock:
        return self.block

    def stream(self, source: Any, utterance: Any) -> Iterator[np.ndarray]:
        given = 0
        for _ in range(2):
            own = {**utterance, "timeline": utterance["timeline"].within(offset=given)}
            for chunk in self.block.stream(source, own):
                given += len(chunk)
                yield chunk


def test_times_are_right_through_nested_stacks(write_addon: Callable[..., Path]) -> None:
    inner = {"type": "StreamableStack", "stack": [{"type": "Letters"}, {"type": "Repeat"}]}
    stack = [{"type": "Twice", "block": inner}, {"type": "Repeat"}]
    voice = voxstack.load(write_addon(stack=stack), registry=Registry({"t": plugin([Letters, Repeat, Twice])}))
    speech = voice.synthesize("ab")
    for event in speech.events:
        start, steps = round(event.start * 8000), round(event.duration * 8000)
        assert steps == 45
        assert set(speech.samples[start : start + steps]) == {ord(event.text)}
    assert [event.text for event in speech.events] == list("abab")
    told = [
        (chunk.start, len(chunk.samples), event.start * 8000) for chunk in voice.stream("ab") for event in chunk.events
    ]
    assert len(told) == 4
    assert all(start <= at < start + length for start, length, at in told)


def test_what_happens_at_the_very_end_is_not_lost(write_addon: Callable[..., Path]) -> None:
    voice = voxstack.load(write_addon(stack=[{"type": "Letters"}]), registry=Registry({"t": plugin([Letters])}))
    *_, last = voice.stream("ab!")
    assert (len(last.samples), last.start) == (0, 10)
    assert [event.text for event in last.events] == ["!"]
