"""The record of one part of the campaign: cases, counters, extremes and findings."""

from __future__ import annotations

import faulthandler
import json
import resource
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from random import Random

from voxstack import VoxstackError

MAX_SECONDS, MAX_MEGABYTES, MAX_MESSAGE = 2.0, 300.0, 4000
"""What a case that a stranger's file decides may take: seconds of work, MB in all, characters of its error."""


class Report:
    """Collects what a part found, and writes it as lines of JSON for the process that started it.

    :param seed: of the campaign; each case has random numbers of its own, so that one case can be run again alone.
    :param short: whether this is the short campaign of the test suite.
    :param limit: seconds after which a case counts as hanging: its stacks are written, and the process ends.
    """

    def __init__(self, part: str, seed: int, limit: float, short: bool = False) -> None:
        self.part, self.seed, self.limit, self.short = part, seed, limit, short
        self.cases = 0
        self.counts: Counter[str] = Counter()
        self.extremes: dict[str, float] = {}
        self.findings: list[str] = []
        self._case: object = None
        self._written = time.monotonic()

    def random(self, case: object) -> Random:
        """Return the random numbers of a case."""
        return Random(f"{self.seed}/{self.part}/{case}")

    def each(self, cases: Iterable[int]) -> Iterator[tuple[int, Random]]:
        """Yield each case with its random numbers; an unexpected exception in the loop's body ends the part."""
        for number in cases:
            with self.case(number) as random:
                yield number, random

    @contextmanager
    def case(self, case: object) -> Iterator[Random]:
        """Run one case: its name stands in findings, and it may take ``limit`` seconds."""
        self._case = case
        if time.monotonic() - self._written > 1:
            self._written = time.monotonic()
            self._write(progress=self.cases, case=str(case))
        faulthandler.dump_traceback_later(self.limit, exit=True, file=sys.stderr)
        try:
            yield self.random(case)
        finally:
            faulthandler.cancel_dump_traceback_later()
        self.cases += 1

    def outcome(self, case: Callable[[], str]) -> None:
        """Run a case that a stranger's file decides, and count its outcome.

        A finding: an error that is none of voxstack's or that is endless, over ``MAX_SECONDS`` of work, and each new
        peak of memory over ``MAX_MEGABYTES``.
        """
        began = time.process_time()
        try:
            self.count(case())
        except VoxstackError as error:
            self.count("typed errors")
            if len(str(error)) > MAX_MESSAGE:
                self.finding(f"a message of {len(str(error))} characters: {str(error)[:200]}")
        except Exception as error:
            self.finding(f"a raw error: {str(error)[:200]}", error)
        seconds, memory = time.process_time() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
        if seconds > MAX_SECONDS:
            self.finding(f"{seconds:.1f} s")
        if memory > max(MAX_MEGABYTES, self.extremes.get("memory (MB)", 0.0)):
            self.finding(f"{memory:.0f} MB")
        self.maximum("slowest case (s)", seconds)
        self.maximum("memory (MB)", memory)

    def count(self, outcome: str, number: int = 1) -> None:
        """Add to a counter, such as ``typed errors``."""
        self.counts[outcome] += number

    def maximum(self, name: str, value: float) -> None:
        """Keep the largest value of a figure, named with its unit, such as ``slowest case (s)``."""
        self.extremes[name] = max(value, self.extremes.get(name, value))

    def finding(self, text: str, error: BaseException | None = None) -> None:
        """Record that a promise did not hold in the current case."""
        trace = "" if error is None else "\n" + "".join(traceback.format_exception(error)[-6:])
        self.findings.append(f"{self.part}, case {self._case}: {text}{trace}")

    def close(self) -> None:
        """Write the result."""
        self._write(
            cases=self.cases, counts=dict(self.counts), extremes=self.extremes, findings=self.findings, done=True
        )

    def _write(self, **line: object) -> None:
        print(json.dumps(line), flush=True)


def resident_megabytes() -> float:
    """Return the memory that this process holds now, in MB; 0 where the system does not report it."""
    try:
        with open("/proc/self/statm") as file:
            pages = int(file.read().split()[1])
    except OSError:
        return 0.0
    return pages * resource.getpagesize() / 1e6


def limit_memory(megabytes: int = 4000) -> None:
    """Let this process allocate no more, so that a case that wants all memory is a raw ``MemoryError``, not a kill."""
    try:
        resource.setrlimit(resource.RLIMIT_AS, (megabytes * 10**6, resource.RLIM_INFINITY))
    except (ValueError, OSError):  # not on this system
        return
