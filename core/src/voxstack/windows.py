"""The one place of chunk arithmetic."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np


class Window(NamedTuple):
    """New frames with their context.

    ``frames[skip : skip + size]`` is new, the rest is context; ``start`` is the number of ``frames[0]`` in the whole stream.
    """

    frames: np.ndarray
    skip: int
    size: int
    start: int


class Pull(NamedTuple):
    """New frames, each of which comes once, and whether they are the last; there may be none in the last pull."""

    frames: np.ndarray
    last: bool


def windows(
    source: Iterable[np.ndarray], left: int, right: int, *, read_ahead: bool = False, least: int = 0
) -> Iterator[Window]:
    """Cut a stream into windows that carry ``left`` frames of the past and ``right`` of the future, time on axis 0.

    Every frame of the source is new exactly once, in order. There is less context only where the stream itself begins or
    ends. One chunk is read ahead, but for the first, so the end is known before the last window is given out and no small
    window is left for it. The work is linear in the length of the stream.

    :param read_ahead: read a chunk ahead of the first one, too, for a stream whose first frames nobody waits for: one that
        is one chunk long is then one window.
    :param least: frames that a window has at least, where the stream has as many; one with less that is new has more of the past.
        A network of fixed sizes that cannot be padded needs that.
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
        given = count > 0 and (ended or len(held) >= least)
        if given:
            yield _with_context(held, past, count, start, left, least)
            drop = max(0, past + count - max(left, least - 1))
            start, past, held = start + drop, past + count - drop, held[drop:]
        if not read_ahead:
            ahead = next(chunks, None)
            read_ahead = given
    if held is not None and len(held) > past:
        yield _with_context(held, past, len(held) - past, start, left, least)


def _with_context(held: np.ndarray, past: int, count: int, start: int, left: int, least: int) -> Window:
    """The window of what is new in ``held``, with no more of the past than ``left`` frames, or than makes it ``least`` long."""
    skip = max(0, min(past - left, len(held) - least))
    return Window(held[skip:], past - skip, count, start + skip)


def pulls(source: Iterable[np.ndarray], right: int, *, read_ahead: bool = False) -> Iterator[Pull]:
    """Give a stream to a network that carries state, and tell it which call is the last, time on axis 0.

    The first pull has more than ``right`` frames unless it is the last. One chunk is read ahead, but for the first, so the
    end is mostly known in time; a stream that ends with its first pull after all gets a last one without frames, where some
    of its output is still to come. A network that looks ahead is not given a single frame in the middle of a stream, but two:
    runtimes round one step otherwise than several.

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
