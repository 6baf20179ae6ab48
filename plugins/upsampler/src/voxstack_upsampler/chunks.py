"""Where a stream is cut whose length is known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from voxstack import Schedule


def chunks(total: int, schedule: Schedule) -> Iterator[slice]:
    """Yield slices of the sizes that the schedule asks for, as they are asked for, up to ``total``.

    A rest of half a chunk or less goes with the last one: it costs more as a chunk of its own.
    """
    start = 0
    for size in schedule.sizes():
        if start >= total:
            return
        stop = start + size if total - start - size > size // 2 else total
        yield slice(start, stop)
        start = stop


def of_samples(schedule: Schedule, hop_length: int) -> Schedule:
    """The same schedule for a head that makes samples, ``hop_length`` for each frame.

    What blocks behind it say, their lookahead and their sizes, is in samples already.
    """
    return replace(schedule, first=schedule.first * hop_length, largest=schedule.largest * hop_length)
