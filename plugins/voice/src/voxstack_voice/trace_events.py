"""The Trace Event Format of Chrome, as its documentation describes it, from the events of a stream."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple


class TraceEvent(NamedTuple):
    """A part of a trace: what ran on which thread; ``start`` and ``seconds`` are in seconds, since the trace began.

    :param category: ``block``, ``network``, ``scheduler``, ``wait`` (outside any turn) or ``audio`` (a point in time).
    """

    name: str
    category: str
    start: float
    seconds: float
    thread: int
    args: Mapping[str, Any]


def trace_events(events: Iterable[TraceEvent], threads: Mapping[int, str], process: int) -> list[dict[str, Any]]:
    """Return the events of a trace: names of the process and its threads first, then all in order of time.

    Times begin with the first event: the trace may be older than the request.

    Events of a thread are ``X`` (complete), and nest by their times. The waits for a worker, during which a stream is
    on no thread, are pairs of ``b`` and ``e``; points in time are ``i``.

    :param threads: names of the threads by their identifiers.
    """
    events = list(events)
    first = min((event.start for event in events), default=0.0)
    numbers = {thread: number for number, thread in enumerate(threads, 1)}
    rows = [row for number, event in enumerate(events) for row in _rows(event, number, first)]
    rows.sort(key=lambda row: (row["ts"], -row.get("dur", 0.0)))
    own = [{**row, "pid": process, "tid": numbers[row["tid"]]} for row in rows]
    return [*_names(threads, process), *own]


def _names(threads: Mapping[int, str], process: int) -> Iterator[dict[str, Any]]:
    """Yield the names of the process and the threads; those of a scheduler, which share a name, are numbered."""
    shared = {"name": "process_name", "ph": "M", "pid": process, "tid": 0, "args": {"name": "voxstack"}}
    yield shared
    for number, name in enumerate(threads.values(), 1):
        own = "calling thread" if name == "MainThread" else name
        label = f"{own} {number}" if list(threads.values()).count(name) > 1 else own
        yield {**shared, "name": "thread_name", "tid": number, "args": {"name": label}}


def _rows(event: TraceEvent, number: int, first: float) -> Iterator[dict[str, Any]]:
    since = event.start - first
    start, end = round(1e6 * since, 3), round(1e6 * (since + event.seconds), 3)
    row = {"name": event.name, "cat": event.category, "ts": start, "tid": event.thread}
    if event.category == "audio":
        yield {**row, "ph": "i", "s": "p"}
    elif event.category == "wait":
        yield {**row, "ph": "b", "id": number}
        yield {**row, "ph": "e", "id": number, "ts": end}
    else:
        yield {**row, "ph": "X", "dur": round(max(0.0, end - start), 3), "args": dict(event.args)}
