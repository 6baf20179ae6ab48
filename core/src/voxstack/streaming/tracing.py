"""Traces: the time that each block of a stack takes for one utterance."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from voxstack.utterance import Utterance

if TYPE_CHECKING:
    from voxstack.blocks import Block, Frames, SequenceBlock


@dataclass
class BlockTime:
    """The time that one block took, without the blocks inside and before it.

    :param path: of the block in its stack, as in errors.
    :param calls: of a sequence block, or chunks that were requested from a streamable one.
    :param seconds: of the clock: other work on the machine counts, and so does waiting.
    :param first: the part of the seconds before the first audio; None until then.
    """

    path: str
    block: str
    calls: int = 0
    seconds: float = 0.0
    first: float | None = None


class Trace:
    """A record of the time that blocks take for one utterance, which carries it as ``trace``.

    Blocks are timed where a composite or wrapper runs them by :func:`run` or :func:`voxstack.streaming.faults.pull`;
    the time of others counts to the block around them. Each thread has figures of its own, so nothing waits for a lock.
    """

    def __init__(self) -> None:
        self._threads: list[dict[str, BlockTime]] = []
        self._first: dict[str, float] | None = None
        self._local = _Local()

    def blocks(self) -> list[BlockTime]:
        """Return the time of each block so far, in the order in which they first finished a call."""
        together: dict[str, BlockTime] = {}
        for times in list(self._threads):
            for path, time_ in times.copy().items():
                known = together.setdefault(path, replace(time_, calls=0, seconds=0.0))
                known.calls += time_.calls
                known.seconds += time_.seconds
        if self._first is not None:
            for path, known in together.items():
                known.first = self._first.get(path, 0.0)
        return list(together.values())

    def mark_first_audio(self) -> None:
        """Record that the first audio is complete: the time so far becomes ``first`` of each block. Idempotent."""
        if self._first is None:
            self._first = {time_.path: time_.seconds for time_ in self.blocks()}

    def call(self, block: SequenceBlock, utterance: Utterance) -> Utterance:
        """Return what a block adds to an utterance, and record its time."""
        outer, start = self._local.inner, time.perf_counter()
        self._local.inner = 0.0
        try:
            return block(utterance)
        finally:
            self._record(block, start, outer)

    def chunks(self, block: Block, frames: Frames) -> Iterator[np.ndarray]:
        """Yield the chunks of a block, and record its time. Closing the frames is the caller's."""
        while True:
            outer, start, chunk = self._local.inner, time.perf_counter(), None
            self._local.inner = 0.0
            try:
                chunk = next(frames)
            except StopIteration:
                return
            finally:
                self._record(block, start, outer, chunk)
            yield chunk

    def attend(self, utterance: Utterance, attention: np.ndarray, frames_per_step: int) -> None:
        """Receive the attention of a decoder, chunk by chunk; this trace keeps none.

        :param utterance: of the decoder, with its own timeline and its ``phones``, one for each token.
        :param attention: (steps, tokens) of the new steps.
        """

    def _record(self, block: Block, start: float, outer: float, chunk: np.ndarray | None = None) -> None:
        """Count a call since ``start``; ``outer`` is the time of what the block around it has run so far."""
        elapsed, local = time.perf_counter() - start, self._local
        if not local.registered:
            local.registered = True
            self._threads.append(local.times)
        path = block.stack_path
        if not path:  # it stands in no stack: its time is that of the block that made it
            local.inner += outer
            return
        found = local.times.get(path)
        if found is None:
            found = local.times[path] = BlockTime(path, type(block).__name__)
        found.calls += 1
        found.seconds += elapsed - local.inner
        local.inner = outer + elapsed


class _Local(threading.local):
    """The figures of one thread; ``inner`` is the time of the blocks inside the one that runs."""

    def __init__(self) -> None:
        self.inner, self.registered = 0.0, False
        self.times: dict[str, BlockTime] = {}


def run(block: SequenceBlock, utterance: Utterance) -> Utterance:
    """Return what a sequence block adds to an utterance, timed if the utterance has a trace.

    :raises TypeError: if it returns something else than a mapping.
    """
    trace: Trace | None = utterance.get("trace")
    added = block(utterance) if trace is None else trace.call(block, utterance)
    if not isinstance(added, Mapping):
        raise TypeError(f"returned {type(added).__name__}; return a dict of what the block adds, {{}} for nothing")
    return added
