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


def windows(source: Iterable[np.ndarray], left: int, right: int) -> Iterator[Window]:
    """Cut a stream into windows that carry ``left`` frames of the past and ``right`` of the future, time on axis 0.

    Every frame of the source is new exactly once, in order. There is less context only where the stream itself begins or
    ends. One chunk is read ahead, but for the first, so the end is known before the last window is given out and no small
    window is left for it. The work is linear in the length of the stream.
    """
    chunks = (chunk for chunk in source if len(chunk))
    held: np.ndarray | None = None
    start = past = 0  # number of held[0] in the stream, and how much of ``held`` was new before
    ahead = next(chunks, None)
    read_ahead = False
    while ahead is not None:
        held = ahead if held is None else np.concatenate([held, ahead])
        ahead = next(chunks, None) if read_ahead else None
        ended = read_ahead and ahead is None
        count = len(held) - past - (0 if ended else right)
        if count > 0:
            yield Window(held, past, count, start)
            drop = max(0, past + count - left)
            start, past, held = start + drop, past + count - drop, held[drop:]
        if not read_ahead:
            ahead = next(chunks, None)
            read_ahead = count > 0
    if held is not None and len(held) > past:
        yield Window(held, past, len(held) - past, start)
