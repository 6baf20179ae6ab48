"""Runs things side by side, and tells ratios."""

from __future__ import annotations

import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass
class Row:
    """One line of the table: what was measured, what came out, and what was asked for.

    :param value: the figure itself; it holds if it is within ``limit``: at most, or at least where ``least``.
    """

    what: str
    value: float
    unit: str = "x"
    limit: float | None = None
    least: bool = False
    note: str = ""

    @property
    def holds(self) -> bool | None:
        if self.limit is None:
            return None
        return self.value >= self.limit if self.least else self.value <= self.limit

    def cells(self) -> list[str]:
        asked = "" if self.limit is None else f"{'>=' if self.least else '<='} {self.limit:g} {self.unit}"
        verdict = {True: "yes", False: "**no**", None: ""}[self.holds]
        value = f"{self.value:.3f}" if self.unit == "x" and self.value < 10 else f"{self.value:.3g}"
        return [self.what, f"{value} {self.unit}".strip(), asked, verdict, self.note]


def markdown(rows: list[Row]) -> str:
    """The table as it stands in the README."""
    head = ["what", "measured", "wanted", "holds", ""]
    lines = [head, ["---"] * len(head), *(row.cells() for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


Runs = Mapping[str, Callable[[], Mapping[str, float]]]
"""What is measured side by side, by name; each call returns figures."""


def in_turns(runs: Runs, rounds: int) -> dict[str, list[Mapping[str, float]]]:
    """Call each of ``runs`` in turn, ``rounds`` times after one that does not count, and return all that they gave."""
    found: dict[str, list[Mapping[str, float]]] = {name: [] for name in runs}
    for number in range(rounds + 1):
        for name, run in runs.items():
            figures = run()
            if number:
                found[name].append(figures)
    return found


def interleaved(runs: Runs, rounds: int) -> dict[str, dict[str, float]]:
    """The same, and of every figure the median."""
    return medians(in_turns(runs, rounds))


def medians(found: Mapping[str, list[Mapping[str, float]]]) -> dict[str, dict[str, float]]:
    """The median of every figure, by what gave it."""
    return {name: {key: statistics.median(f[key] for f in rows) for key in rows[0]} for name, rows in found.items()}


class Stopwatch:
    """Wall-clock and CPU seconds since it was made."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    @property
    def wall(self) -> float:
        return time.perf_counter() - self._wall

    @property
    def cpu(self) -> float:
        return time.process_time() - self._cpu


def percentile(values: list[float], share: float) -> float:
    """The value below which so much of them lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def fresh(code: str, *arguments: str) -> Any:
    """Run code in a fresh process on one thread a call, and return the JSON that it prints last."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parent)}
    command = [sys.executable, "-c", code, *arguments]
    printed = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
    return json.loads(printed.splitlines()[-1])


def peak_memory() -> float:
    """MB that this process has had in memory at most; ``ru_maxrss`` would count what its parent had, too."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def machine() -> str:
    """The day and the machine, in one line."""
    model = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.machine(),
    )
    return f"{datetime.date.today().isoformat()}, {len(os.sched_getaffinity(0))} cores of {model}, Python {platform.python_version()}"
