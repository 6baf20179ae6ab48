"""The chunks of a stream of known length, as slices."""

from __future__ import annotations

from collections.abc import Iterator

from voxstack import Schedule


def chunk_slices(total: int, schedule: Schedule) -> Iterator[slice]:
    """Yield slices of the scheduled sizes, each computed when it is requested, up to ``total``.

    A rest of at most half a chunk joins the last one: it costs more as a chunk of its own.
    """
    start = 0
    for size in schedule.sizes():
        if start >= total:
            return
        stop = start + size if total - start - size > size // 2 else total
        yield slice(start, stop)
        start = stop
