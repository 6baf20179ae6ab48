"""Traces of every event: what is in them, that they nest, and that streams without one call nothing of them."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny import network, plugin, tensor

import voxstack
from voxstack import EventTrace, Frames, Registry, SequenceBlock, StreamableBlock, Utterance
from voxstack.networks.observing import OBSERVER
from voxstack.streaming.tracing import Trace
from voxstack_voice import event_trace
from voxstack_voice.traced_ticket import TracedTicket


@dataclass
class Count(SequenceBlock):
    """Counts letters, and waits outside its turn."""

    needs = frozenset({"text"})
    gives = frozenset({"letters"})

    def __call__(self, utterance: Utterance) -> Utterance:
        with voxstack.waiting():
            return {"letters": np.full(len(utterance["text"]), 0.5, np.float32)}


@dataclass
class Tone(StreamableBlock):
    """Yields a chunk of ten samples a letter, by a network."""

    head = True
    makes = "samples"

    def load(self, addon: Any) -> None:
        self._network = addon.network("tone")

    def stream(self, source: Frames, utterance: Utterance) -> Frames:
        for value in utterance["letters"]:
            yield self._network(value=np.full((1, 10), value))["samples"][0]


TONE = network("decoder", {"value": tensor("batch", "steps")}, {"samples": tensor("batch", "steps")})
STACK = [
    {"type": "StreamablePipeline", "sequence_block": {"type": "Count"}, "streamable_block": {"type": "Tone"}},
]


@pytest.fixture
def voice(write_addon: Callable[..., Path]) -> voxstack.Voice:
    registry = Registry({"test": plugin([Count, Tone], {"tone": lambda value: {"samples": value}})})
    return voxstack.load(write_addon(stack=STACK, networks={"tone": TONE}), registry=registry)


def complete(trace: EventTrace) -> list[dict[str, Any]]:
    return [row for row in trace.as_json()["traceEvents"] if row["ph"] == "X"]


def names(trace: EventTrace, category: str) -> list[str]:
    return [event.name for event in trace.events if event.category == category]


def test_every_pull_call_and_turn_is_an_event(voice: voxstack.Voice) -> None:
    trace = EventTrace()
    assert len(list(voice.stream("abc", trace=trace))) == 3
    assert names(trace, "network") == ["tone"] * 3
    assert names(trace, "block").count("Tone") == 4  # the last pull finds the end
    assert names(trace, "block").count("Count") == 1
    assert names(trace, "scheduler").count("turn") == 4
    assert names(trace, "scheduler").count("released") == 1
    assert names(trace, "audio") == ["first audio"]
    (first,) = (event for event in trace.events if event.name == "first audio")
    turns = [event for event in trace.events if event.name == "turn"]
    assert turns[0].start < first.start < turns[1].start
    assert next(event for event in trace.events if event.name == "tone").args == {"value": [1, 10]}
    shapes = [event.args.get("shape") for event in trace.events if event.name == "Tone"]
    assert shapes == [[10], [10], [10], None]


def test_times_begin_with_the_stream(voice: voxstack.Voice) -> None:
    trace = EventTrace()
    trace._began -= 1000
    list(voice.stream("a", trace=trace))
    times = [row["ts"] for row in trace.as_json()["traceEvents"] if "ts" in row]
    assert times == sorted(times)
    assert times[0] == 0
    assert times[-1] < 100e6


def test_events_of_a_thread_nest(voice: voxstack.Voice) -> None:
    trace = EventTrace()
    list(voice.stream("abcdef", trace=trace))
    rows = sorted(complete(trace), key=lambda row: (row["ts"], -row["dur"]))
    for one, two in itertools.combinations(rows, 2):
        apart, inside = one["ts"] + one["dur"] <= two["ts"], two["ts"] + two["dur"] <= one["ts"] + one["dur"]
        assert apart or inside, (one, two)
    (count,) = (row for row in rows if row["name"] == "Count")
    (released,) = (row for row in rows if row["name"] == "released")
    assert count["ts"] <= released["ts"] <= released["ts"] + released["dur"] <= count["ts"] + count["dur"]


def test_threads_of_the_scheduler_have_names(voice: voxstack.Voice) -> None:
    async def run() -> None:
        async for _ in voice.astream("ab", trace=trace):
            pass

    trace = EventTrace()
    asyncio.run(run())
    rows = trace.as_json()["traceEvents"]
    threads = {row["tid"]: row["args"]["name"] for row in rows if row["name"] == "thread_name"}
    assert all(name.startswith("voxstack") for name in threads.values())
    assert {row["tid"] for row in rows if row["ph"] == "X"} <= threads.keys()
    assert names(trace, "network") == ["tone"] * 2
    waits = [row for row in rows if row["name"] == "waits for a worker"]
    assert [row["ph"] for row in sorted(waits, key=lambda row: (row["id"], row["ph"]))] == ["b", "e"] * (
        len(waits) // 2
    )


def test_a_trace_of_times_records_no_events_and_other_streams_none(voice: voxstack.Voice) -> None:
    plain, trace = Trace(), EventTrace()
    for ours, other in zip(voice.stream("abc", trace=trace), voice.stream("abc", trace=plain), strict=True):
        assert len(ours.samples) == len(other.samples)
        assert OBSERVER.get() is None
    assert names(trace, "network") == ["tone"] * 3
    assert {time.path: time.calls for time in plain.blocks()} == {time.path: time.calls for time in trace.blocks()}


def test_without_a_trace_nothing_of_it_runs(voice: voxstack.Voice, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise AssertionError

    monkeypatch.setattr(EventTrace, "add", fail)
    monkeypatch.setattr(TracedTicket, "__init__", fail)
    assert len(list(voice.stream("abc"))) == 3


def test_a_speech_keeps_its_trace_and_is_equal_without(voice: voxstack.Voice) -> None:
    trace = EventTrace()
    speech = voice.synthesize("abc", trace=trace)
    assert speech.trace is trace
    np.testing.assert_array_equal(speech.samples, voice.synthesize("abc").samples)
    assert voice.synthesize("abc").trace is None


def test_a_stack_alone_is_traced_too(voice: voxstack.Voice) -> None:
    trace = EventTrace()
    utterance = {**voice.request("ab"), "trace": trace}
    assert len(list(voxstack.StreamableStack([voice.block]).stream(iter(()), utterance))) == 2
    assert names(trace, "network") == ["tone"] * 2


def test_a_network_that_fails_is_an_event_of_its_trace(voice: voxstack.Voice) -> None:
    def fail(value: Any) -> Any:
        raise ZeroDivisionError

    trace = EventTrace()
    voice.addon.opened[0]._bare_run = fail
    with pytest.raises(voxstack.BlockError):
        voice.synthesize("a", trace=trace)
    assert names(trace, "network") == ["tone"]
    assert OBSERVER.get() is None


def test_a_trace_is_bounded(voice: voxstack.Voice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_trace, "MAX_EVENTS", 10)
    trace = EventTrace()
    voice.synthesize("abcdef", trace=trace)
    assert len(trace.events) == 10
    assert trace.as_json()["otherData"]["dropped events"] == trace.dropped > 0


def test_a_saved_trace_is_its_json(voice: voxstack.Voice, tmp_path: Path) -> None:
    trace = EventTrace()
    voice.synthesize("a", trace=trace)
    trace.save(tmp_path / "trace.json")
    assert json.loads((tmp_path / "trace.json").read_text()) == trace.as_json()
    with pytest.raises(voxstack.RequestError, match="cannot write"):
        trace.save(tmp_path / "nowhere" / "trace.json")
