from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest

import voxstack
from voxstack import Registry, StackError, StreamableBlock
from voxstack_diagnostics import stopwatch
from voxstack_diagnostics.stopwatch import Stopwatch


class Clock:
    """A clock that advances only on request."""

    now = 0.0

    def sleep(self, seconds):
        self.now += seconds


CLOCK = Clock()


@pytest.fixture(autouse=True)
def own_clock(monkeypatch):
    monkeypatch.setattr(stopwatch, "time", SimpleNamespace(perf_counter=lambda: CLOCK.now))


@dataclass
class Slow(StreamableBlock):
    """Sleeps 20 ms before each chunk, 40 ms before the second, and pulls two to yield one.

    :param fails: whether to raise after the first chunk.
    """

    fails: bool = False
    needs = frozenset({"style"})

    def stream(self, source, utterance):
        for number, chunk in enumerate(source):
            CLOCK.sleep(0.04 if number == 1 else 0.02)
            yield np.concatenate([chunk, next(source)])
            if self.fails:
                raise OSError("broken")


def source(count=6):
    for number in range(count):
        CLOCK.sleep(0.015)
        yield np.full(4, number, np.float32)


def row(tmp_path):
    (line,) = (tmp_path / "times.jsonl").read_text().splitlines()
    return json.loads(line)


@pytest.fixture
def watch(tmp_path):
    return Stopwatch(Slow(), path=str(tmp_path / "times.jsonl"))


def test_counts_only_the_time_in_the_block(watch, tmp_path):
    for _ in watch.stream(source(), {}):
        CLOCK.sleep(0.05)  # the consumer's
    times = row(tmp_path)
    assert (times["stopwatch"], times["block"], times["end"]) == ("Slow", "Slow", "ended")
    assert (times["chunks"], times["steps"]) == (3, 24)
    assert times["block_seconds"] == pytest.approx(0.02 + 0.04 + 0.02)
    assert times["source_seconds"] == pytest.approx(6 * 0.015)
    assert times["first_chunk_block_seconds"] == pytest.approx(0.02)
    assert times["first_chunk_seconds"] == pytest.approx(0.02 + 2 * 0.015)
    assert times["longest_chunk_seconds"] == pytest.approx(0.04)


def test_logs_one_line_a_stream(watch, caplog):
    caplog.set_level(logging.INFO, "voxstack.stopwatch")
    list(watch.stream(source(2), {}))
    (line,) = caplog.messages
    assert line.startswith("Slow: ended: 1 chunks, 8 steps, block ")
    assert "first_chunk " in line


def test_says_that_a_stream_was_closed_early(watch, tmp_path):
    stream = watch.stream(source(), {})
    next(stream)
    stream.close()
    times = row(tmp_path)
    assert (times["end"], times["chunks"]) == ("closed early", 1)
    assert times["block_seconds"] == pytest.approx(0.02)


@dataclass
class Closing(StreamableBlock):
    """Records the order of events when it is closed."""

    def stream(self, source, utterance):
        try:
            yield from source
        finally:
            utterance["order"].append("closed")


def test_a_block_is_closed_before_the_report(monkeypatch):
    order = []
    monkeypatch.setattr(stopwatch.Stopwatch, "_report", lambda self, times, end: order.append(end))
    stream = Stopwatch(Closing()).stream(source(), {"order": order})
    next(stream)
    stream.close()
    assert order == ["closed", "closed early"]


def test_says_that_a_stream_failed(tmp_path):
    watch = Stopwatch(Slow(fails=True), name="mine", path=str(tmp_path / "times.jsonl"))
    with pytest.raises(OSError, match="broken"):
        list(watch.stream(source(), {}))
    assert (row(tmp_path)["stopwatch"], row(tmp_path)["end"]) == ("mine", "failed: OSError('broken')")


def test_a_stream_without_chunks_has_no_first(watch, tmp_path):
    list(watch.stream(iter(()), {}))
    times = row(tmp_path)
    assert (times["chunks"], times["first_chunk_seconds"]) == (0, None)


def test_what_the_child_lacks_is_said_at_the_child():
    with pytest.raises(StackError, match=r"^stack\.block: Slow needs 'style'"):
        Stopwatch(Slow()).check_needs({}, "stack")
    assert Stopwatch(Slow()).check_needs({"style": "x"}, "stack") == {"style": "x"}


def test_builds_from_json_with_its_child(tmp_path):
    import voxstack_diagnostics

    registry = Registry({"diagnostics": voxstack_diagnostics})
    spec = {
        "type": "Stopwatch",
        "block": {"type": "StreamableStack", "stack": [{"type": "Probe", "name": "a"}, {"type": "Probe"}]},
    }
    assert voxstack.build(spec, registry=registry).block.stack[0].name == "a"
