"""Chunks that are no chunks, reports that cannot be written, and streams that the garbage collector closes."""

from __future__ import annotations

import gc
import json
import logging
import logging.handlers
import queue
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from voxstack import NetworkError, SequenceBlock, StreamableBlock
from voxstack_diagnostics.attention_alarms import AttentionAlarms
from voxstack_diagnostics.probe import Probe
from voxstack_diagnostics.probe_sequence import ProbeSequence
from voxstack_diagnostics.stopwatch import Stopwatch
from voxstack_diagnostics.stream_reports import write_late_lines


@dataclass
class Passing(StreamableBlock):
    """Passes chunks."""

    def stream(self, source: Any, utterance: Any) -> Any:
        yield from source


@pytest.fixture
def log(caplog: Any) -> Any:
    write_late_lines()
    caplog.set_level(logging.INFO, "voxstack.probe")
    caplog.clear()
    return caplog


SOUND = {
    "integers": np.arange(6, dtype=np.int16),
    "unsigned": np.array([[2**64 - 1]], np.uint64),
    "booleans": np.array([True, False]),
    "complex": np.array([3 + 4j, np.nan], np.complex64),
    "NaN": np.full((2, 3), np.nan, np.float32),
    "infinity": np.array([np.inf, 1.0]),
    "half": np.ones((2, 2), np.float16),
    "empty": np.zeros(0, np.float32),
    "no features": np.zeros((3, 0), np.float32),
    "four dimensions": np.ones((2, 3, 4, 5), np.float32),
    "numbers as objects": np.array([1, 2.5], object),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("chunk", SOUND.values(), ids=SOUND)
def test_odd_chunks_pass_unchanged(chunk: np.ndarray, tmp_path: Any) -> None:
    path = tmp_path / "p"
    for block in (Probe(path=str(path)), Stopwatch(Passing(), path=str(path))):
        (output,) = block.stream(iter([chunk]), {})
        assert output is chunk
    probe, watch = map(json.loads, path.read_text().splitlines())
    assert probe["steps"] == watch["steps"] == len(chunk)
    assert probe["end"] == watch["end"] == "ended"


def test_complex_numbers_count_by_their_magnitude(tmp_path: Any) -> None:
    list(Probe(path=str(tmp_path / "p")).stream(iter([np.array([3 + 4j, 1j])]), {}))
    row = json.loads((tmp_path / "p").read_text())
    assert (row["min"], row["max"], row["mean"]) == (1, 5, 3)


@pytest.mark.parametrize(
    "chunk",
    [np.array(1.0), np.array(["a"]), np.array([{}], object), [1.0], b"ab", 3, None],
    ids=lambda chunk: repr(chunk),
)
def test_what_is_no_chunk_is_an_error_of_the_block_before(chunk: Any) -> None:
    with pytest.raises(NetworkError, match=r"a stream has .*; the block before gave "):
        list(Probe().stream(iter([chunk]), {}))


def test_a_stopwatch_leaves_chunks_without_steps_to_others(tmp_path: Any) -> None:
    chunk = np.array(1.0)
    (output,) = Stopwatch(Passing()).stream(iter([chunk]), {})
    assert output is chunk


class Unspeakable(Exception):
    """An error without a text."""

    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


def test_an_error_without_a_text_is_reported_and_stays_itself(log: Any, tmp_path: Any) -> None:
    def failing() -> Iterator[np.ndarray]:
        yield np.ones(3)
        raise Unspeakable

    with pytest.raises(Unspeakable):
        list(Probe(path=str(tmp_path / "p")).stream(failing(), {}))
    assert "failed: Unspeakable (cannot be shown: RuntimeError)" in log.text
    with pytest.raises(Unspeakable):
        list(Probe("\udc80", str(tmp_path / "p")).stream(failing(), {}))
    assert len((tmp_path / "p").read_text().splitlines()) == 2


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /dev/full")
def test_a_full_disk_is_a_warning(log: Any) -> None:
    assert len(list(Probe(path="/dev/full").stream(iter([np.ones(3)]), {}))) == 1
    assert "cannot write a report to '/dev/full'" in log.text


def test_values_that_cannot_be_shown_are_named(log: Any) -> None:
    @dataclass
    class Giving(SequenceBlock):
        """Returns something odd."""

        def __call__(self, utterance: Any) -> Any:
            return {"odd": Unspeakable()}

    ProbeSequence(Giving())({"scalar": np.array(2.0), "odd": Unspeakable(), "complex": np.array([1j])})
    assert "got odd: Unspeakable (cannot be shown: RuntimeError)" in log.text
    assert "gave odd: Unspeakable (cannot be shown: RuntimeError)" in log.text


@dataclass
class Attending(StreamableBlock):
    """Reports the attention in the utterance."""

    def stream(self, source: Any, utterance: Any) -> Any:
        for attention in utterance["attention"]:
            utterance["attention_watch"](attention, 2)
            yield np.zeros(2)
        utterance["attention_watch"](None, 2)


@pytest.mark.parametrize("shape", [(3,), (3, 4, 5), (), (2, 5)])
def test_attention_of_another_shape_is_an_error(shape: tuple[int, ...]) -> None:
    chunks = [np.ones((1, 4)) / 4, np.ones(shape)]
    with pytest.raises(
        NetworkError, match=r"AttentionAlarms: attention is \(steps, 4\), real numbers; the decoder gave"
    ):
        list(AttentionAlarms(Attending()).stream(iter(()), {"attention": chunks}))


def test_attention_to_nothing_is_no_alarm() -> None:
    assert len(list(AttentionAlarms(Attending()).stream(iter(()), {"attention": [np.ones((3, 0))]}))) == 1


def test_a_stream_that_is_closed_while_its_thread_writes_to_the_log_takes_no_lock() -> None:
    """As the garbage collector may close it: within a handler, whose lock is that of the queue."""
    records: queue.Queue[Any] = queue.Queue()
    streams: list[Any] = []

    class Handler(logging.handlers.QueueHandler):
        def enqueue(self, record: logging.LogRecord) -> None:
            with records.mutex:  # as in put()
                streams.clear()
                gc.collect()
                records.queue.append(record)

    handler, logger = Handler(records), logging.getLogger("voxstack.probe")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        for block in (Probe("dropped"), Stopwatch(Probe("dropped"))):
            cycle: list[Any] = [block.stream(iter([np.ones(3)] * 9), {})]
            cycle.append(cycle)
            next(cycle[0])
            streams.append(cycle)
            del cycle
        logger.info("a line of something else")  # a lock in a finalizer would stop it here
        assert records.qsize() == 1
        list(Probe("next").stream(iter(()), {}))
        assert records.qsize() == 4
    finally:
        logger.removeHandler(handler)
        logger.setLevel(logging.NOTSET)


def test_lines_that_wait_are_written_at_exit() -> None:
    code = (
        "import logging, numpy as np\n"
        "from voxstack_diagnostics.probe import Probe\n"
        "logging.basicConfig(level=logging.INFO)\n"
        "stream = Probe().stream(iter([np.ones(3)] * 9), {})\n"
        "next(stream)\n"
        "stream.close()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert "INFO:voxstack.probe:probe: closed early: chunks 1" in done.stderr
