"""How long it takes."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from voxstack import Frames, StreamableBlock, StreamableWrapper, Utterance
from voxstack.blocks import Available, field_path
from voxstack_diagnostics import reports

_LOG = logging.getLogger("voxstack.stopwatch")


@dataclass
class Stopwatch(StreamableWrapper):
    """Runs a streamable block, changes nothing, and reports the time spent in it.

    Neither the time in the source that it pulls from counts, nor that of whoever pulls. To the outside it is its child: same
    needs, streams, hop and lookahead, and the schedule passes. When the stream has ended, failed, or was closed early, one
    line goes to the log ``voxstack.stopwatch`` (INFO); times are wall-clock, so other work on the machine counts.

    :param block: what to time; a ``StreamableStack`` times several together.
    :param name: said in every report; the type of the block, unless given.
    :param path: file that gets one line of JSON for each stream, appended, times in seconds; its folder must exist.
    """

    block: StreamableBlock
    name: str | None = None
    path: str | None = None

    @property
    def inner(self) -> StreamableBlock:
        return self.block

    def load(self, addon: object) -> None:
        reports.check_folder(self.path)

    def check_needs(self, given: Available, path: str) -> Available:
        return self.block.check_needs(given, field_path(path, "block"))

    def stream(self, source: Frames, utterance: Utterance) -> Frames:
        pulls, laps = _Pulls(source), _Laps()
        with reports.following(lambda end: self._report(laps, end)):
            chunks = self.block.stream(pulls, utterance)
            while True:
                start, pulled = time.perf_counter(), pulls.seconds
                chunk = next(chunks, None)
                laps.add(time.perf_counter() - start, pulls.seconds - pulled, chunk)
                if chunk is None:
                    break
                yield chunk

    def _report(self, laps: _Laps, end: str) -> None:
        name, row = self.name or type(self.block).__name__, laps.row()
        times = ", ".join(
            f"{key.removesuffix('_seconds')} {1000 * value:.2f} ms"
            for key, value in row.items()
            if _is_time(key, value)
        )
        _LOG.info("%s: %s: %d chunks, %d steps, %s", name, end, row["chunks"], row["steps"], times)
        reports.append(self.path, {"stopwatch": name, "block": type(self.block).__name__, "end": end, **row}, _LOG)


class _Pulls(Iterator[np.ndarray]):
    """A source that knows the time spent in it."""

    def __init__(self, source: Frames) -> None:
        self._source = source
        self.seconds = 0.0

    def __next__(self) -> np.ndarray:
        start = time.perf_counter()
        try:
            return next(self._source)
        finally:
            self.seconds += time.perf_counter() - start


class _Laps:
    """The times of one stream, in seconds."""

    def __init__(self) -> None:
        self.chunks = self.steps = 0
        self.spent = self.source = self.longest = 0.0
        self.first: float | None = None  # until the first chunk came, the source included
        self.first_spent: float | None = None

    def add(self, elapsed: float, pulled: float, chunk: np.ndarray | None) -> None:
        """Take in one pull: all of its time, what of that went to the source, and what came (nothing: the end)."""
        self.spent += elapsed - pulled
        self.source += pulled
        self.longest = max(self.longest, elapsed - pulled)
        if chunk is None:
            return
        if not self.chunks:
            self.first, self.first_spent = elapsed, elapsed - pulled
        self.chunks += 1
        self.steps += len(chunk)

    def row(self) -> dict[str, Any]:
        """The figures, as JSON."""
        return {
            "chunks": self.chunks,
            "steps": self.steps,
            "block_seconds": self.spent,
            "source_seconds": self.source,
            "first_chunk_seconds": self.first,
            "first_chunk_block_seconds": self.first_spent,
            "longest_chunk_seconds": self.longest,
        }


def _is_time(key: str, value: Any) -> bool:
    return key.endswith("_seconds") and value is not None
