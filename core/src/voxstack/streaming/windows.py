"""Chunk arithmetic: windows for networks with context, pulls for networks with states, steps that no one reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np


class Window(NamedTuple):
    """New frames with their context.

    ``frames[skip : skip + size]`` is new, the rest is context; ``start`` is the index of ``frames[0]`` in the whole
    stream.
    """

    frames: np.ndarray
    skip: int
    size: int
    start: int


class Pull(NamedTuple):
    """New frames, each exactly once, and whether they are the last; the last pull may be empty."""

    frames: np.ndarray
    last: bool


def windows(source: Iterable[np.ndarray], left: int, right: int, *, read_ahead: bool = False) -> Iterator[Window]:
    """Cut a stream into windows with ``left`` frames of past and ``right`` frames of future context, time on axis 0.

    Every frame of the source is new exactly once, in order. There is less context only at the ends of the stream. One
    chunk is read ahead, except for the first, so the end is known before the last window is yielded and no small window
    is left for it. The work is linear in the length of the stream.

    :param read_ahead: also read a chunk ahead of the first one, for a stream whose first frames are not urgent: a
        stream of one chunk is then one window.
    """
    chunks = (chunk for chunk in source if len(chunk))
    held: np.ndarray | None = None
    start = past = 0  # number of held[0] in the stream, and how much of ``held`` was new before
    ahead = next(chunks, None)
    while ahead is not None:
        held = ahead if held is None else np.concatenate([held, ahead])
        ahead = next(chunks, None) if read_ahead else None
        ended = read_ahead and ahead is None
        count = len(held) - past - (0 if ended else right)
        ready = count > 0
        if ready:
            yield _with_context(held, past, count, start, left)
            drop = max(0, past + count - left)
            start, past, held = start + drop, past + count - drop, held[drop:]
        if not read_ahead:
            ahead = next(chunks, None)
            read_ahead = ready
    if held is not None and len(held) > past:
        yield _with_context(held, past, len(held) - past, start, left)


def _with_context(held: np.ndarray, past: int, count: int, start: int, left: int) -> Window:
    """Return the window of the new frames in ``held``, with ``left`` frames of the past."""
    skip = max(0, past - left)
    return Window(held[skip:], past - skip, count, start + skip)


def pulls(source: Iterable[np.ndarray], right: int, *, read_ahead: bool = False) -> Iterator[Pull]:
    """Yield the chunks of a stream for a network with states, and mark the last one, time on axis 0.

    The first pull has more than ``right`` frames unless it is the last. One chunk is read ahead, except for the first,
    so the end is usually known in time; a stream that turns out to end with its first pull is followed by an empty last
    one if ``right`` steps of its output are still due. A network with lookahead never receives a single frame in the
    middle of a stream, but two: runtimes round one step differently from several.

    :param read_ahead: as for :func:`windows`.
    """
    chunks = (chunk for chunk in source if len(chunk))
    held: list[np.ndarray] = []
    count = 0
    while count <= right and (chunk := next(chunks, None)) is not None:
        held.append(chunk)
        count += len(chunk)
    if not held:
        return
    frames = held[0] if len(held) == 1 else np.concatenate(held)
    if count > right and not read_ahead:
        yield Pull(frames, False)
        frames = next(chunks, frames[:0])
        if not (len(frames) or right):
            return
    while (ahead := next(chunks, None)) is not None:
        if len(frames) == 1 and right:
            frames = np.concatenate([frames, ahead])
            continue
        yield Pull(frames, False)
        frames = ahead
    yield Pull(frames, True)


class Skipping:
    """The first steps of a stream, of which only their number counts, and the rest of it.

    :param count: of the first steps; a shorter stream has no rest.
    """

    def __init__(self, source: Iterator[np.ndarray], count: int) -> None:
        self.skipped = 0
        """Steps that were read as the first ones."""
        self._source, self._count, self._held = source, count, np.zeros(0)

    def counts(self) -> Iterator[int]:
        """Read the first steps, and yield the number of them in each chunk."""
        while self.skipped < self._count and (chunk := next(self._source, None)) is not None:
            found = min(len(chunk), self._count - self.skipped)
            self.skipped, self._held = self.skipped + found, chunk[found:]
            if found:
                yield found

    def rest(self) -> Iterator[np.ndarray]:
        """Yield the steps after the first ones."""
        if len(self._held):
            yield self._held
        yield from self._source
