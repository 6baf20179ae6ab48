"""The block ``Stopwatch``, which times another block."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from voxstack import Frames, StreamableBlock, StreamableWrapper, Utterance
from voxstack.blocks import Available, field_path
from voxstack.streaming.closing import close
from voxstack.streaming.faults import pull
from voxstack_diagnostics.stream_reports import append, check_path, log_end, report_end, write_late_lines

_LOG = logging.getLogger("voxstack.stopwatch")


@dataclass
class Stopwatch(StreamableWrapper):
    """Runs a streamable block, changes nothing, and reports the time spent in it.

    The time spent in its source and in its consumer does not count. From outside it looks like its child: the same
    needs, streams, hop, lookahead and schedule. When the stream has ended, failed, or was closed early, one line goes
    to the log ``voxstack.stopwatch`` (INFO); times are wall-clock times, so other work on the machine counts.

    :param block: the block to time; a ``StreamableStack`` times several together.
    :param name: part of every report; by default the type of the block.
    :param path: file to which one line of JSON is appended for each stream, times in seconds; its folder must exist.
    """

    block: StreamableBlock
    name: str | None = None
    path: str | None = None

    @property
    def inner(self) -> StreamableBlock:
        return self.block

    def load(self, addon: object) -> None:
        check_path(self.path, addon)

    def check_needs(self, available: Available, path: str) -> Available:
        return self.block.check_needs(available, field_path(path, "block"))

    def stream(self, source: Frames, utterance: Utterance) -> Frames:
        timed, times = _TimedSource(source), _StreamTimes()
        with report_end(lambda end: self._report(times, end)):
            chunks = pull(self.block, timed, utterance)
            try:
                while True:
                    write_late_lines()
                    start, in_source = time.perf_counter(), timed.seconds
                    chunk = next(chunks, None)
                    times.add(time.perf_counter() - start, timed.seconds - in_source, chunk)
                    if chunk is None:
                        break
                    yield chunk
            finally:
                close(chunks)

    def _report(self, times: _StreamTimes, end: str) -> None:
        name, row = self.name or type(self.block).__name__, times.row()
        shown = ", ".join(
            f"{key.removesuffix('_seconds')} {1000 * value:.2f} ms"
            for key, value in row.items()
            if _is_time(key, value)
        )
        log_end(_LOG, end, "%s: %s: %d chunks, %d steps, %s", name, end, row["chunks"], row["steps"], shown)
        append(self.path, end, {"stopwatch": name, "block": type(self.block).__name__, "end": end, **row}, _LOG)


class _TimedSource(Iterator[np.ndarray]):
    """A source that measures the seconds spent in it."""

    def __init__(self, source: Frames) -> None:
        self._source = source
        self.seconds = 0.0

    def __next__(self) -> np.ndarray:
        start = time.perf_counter()
        try:
            return next(self._source)
        finally:
            self.seconds += time.perf_counter() - start


class _StreamTimes:
    """The times of one stream, in seconds."""

    def __init__(self) -> None:
        self.chunks = self.steps = 0
        self.in_block = self.in_source = self.longest = 0.0
        self.first: float | None = None  # until the first chunk, including the source
        self.first_in_block: float | None = None

    def add(self, elapsed: float, in_source: float, chunk: np.ndarray | None) -> None:
        """Add one pull: its total time, the part of it spent in the source, and the chunk (None at the end)."""
        in_block = elapsed - in_source
        self.in_block += in_block
        self.in_source += in_source
        self.longest = max(self.longest, in_block)
        if chunk is None:
            return
        if not self.chunks:
            self.first, self.first_in_block = elapsed, in_block
        self.chunks += 1
        self.steps += len(chunk) if chunk.ndim else 1

    def row(self) -> dict[str, Any]:
        """Return the times, as JSON."""
        return {
            "chunks": self.chunks,
            "steps": self.steps,
            "block_seconds": self.in_block,
            "source_seconds": self.in_source,
            "first_chunk_seconds": self.first,
            "first_chunk_block_seconds": self.first_in_block,
            "longest_chunk_seconds": self.longest,
        }


def _is_time(key: str, value: Any) -> bool:
    return key.endswith("_seconds") and value is not None
