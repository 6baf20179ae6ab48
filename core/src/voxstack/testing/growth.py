"""Measurements of what repeated work leaves behind."""

from __future__ import annotations

import contextlib
import gc
import mmap
import sys
import threading
import time
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

SECONDS, LEAST = 0.5, 15
"""Longest time in which runs are counted, and the least number of them, however long these take."""

_LEFT = (
    ("handles", 0.4, 0, "close files, sockets and pipes in a finally"),
    ("threads", 0.4, 0, "end threads in a finally, or keep a fixed number of them"),
    ("generators", 0.4, 0, "let go of what has ended"),
    ("objects", 0.4, 32, "keep nothing of a run that has ended, or bound what is kept"),
    ("kilobytes", 16.0, 512, "keep nothing of a run that has ended, or bound what is kept"),
)
"""What runs may leave behind: its name in ``_Growth``, how much of it each must leave beside the noise, advice."""


class _Growth(NamedTuple):
    """The remains of a number of runs; ``kilobytes`` are those of the process."""

    runs: int
    handles: int
    threads: int
    generators: int
    objects: int
    kilobytes: float


def growth_problem(run: Callable[[int], object], most: int, *, objects: bool = True) -> str:
    """Return what every run leaves behind, and what to do; empty if that is nothing.

    :param run: receives the number of the run.
    :param most: the most runs.
    :param objects: whether small objects count; libraries that compile keep some for each model.
    """
    rounds = []
    deadline = time.monotonic() + SECONDS
    with _only_new_objects():
        for index in range(LEAST // 3):  # what is made once is made
            run(index)
        for _ in range(3):
            rounds.append(_growth(run, max(LEAST // 3, most // 3), deadline))
    count = sum(growth.runs for growth in rounds)
    for name, least, noise, advice in _LEFT:
        each = min((getattr(growth, name) - noise) / growth.runs for growth in rounds)
        if each >= least and (objects or name != "objects"):
            return f"{each:.3g} {name} behind, in {count} runs; {advice}"
    return ""


def _growth(run: Callable[[int], object], count: int, deadline: float) -> _Growth:
    before, done = _held(), 0
    while done < count and (done < LEAST // 3 or time.monotonic() < deadline):
        run(done)
        done += 1
    handles, threads, generators, objects, pages = (now - then for now, then in zip(_held(), before, strict=True))
    return _Growth(done, handles, threads, generators, objects, pages * mmap.PAGESIZE / 1024)


@contextlib.contextmanager
def _only_new_objects() -> Iterator[None]:
    """Return a context manager in which garbage is collected among the objects that are made in it: fast."""
    gc.collect()
    frozen = gc.get_freeze_count()
    gc.freeze()
    try:
        yield
    finally:
        if not frozen:
            gc.unfreeze()


def _held() -> tuple[int, int, int, int, int]:
    """Return the open handles, threads, generators, objects and resident pages of this process."""
    gc.collect()
    handles, pages = Path("/proc/self/fd"), Path("/proc/self/statm")
    generators = sum(type(each) is types.GeneratorType for each in gc.get_objects())
    return (
        len(list(handles.iterdir())) if handles.is_dir() else 0,
        threading.active_count(),
        generators,
        sys.getallocatedblocks(),
        int(pages.read_text().split()[1]) if pages.exists() else 0,
    )
