"""Measurement side by side: interleaved runs, medians, tables of ratios."""

from __future__ import annotations

import datetime
import json
import os
import platform
import random
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
    """One line of a table: the quantity, its value, and the goal.

    :param limit: the goal; the value holds if it is at most the limit, or at least the limit if ``minimum``.
    """

    quantity: str
    value: float
    unit: str = "x"
    limit: float | None = None
    minimum: bool = False
    note: str = ""

    @property
    def holds(self) -> bool | None:
        """Whether the value meets the goal; None without a goal."""
        if self.limit is None:
            return None
        return self.value >= self.limit if self.minimum else self.value <= self.limit

    def cells(self) -> list[str]:
        """Return the cells of the line."""
        goal = "" if self.limit is None else f"{'>=' if self.minimum else '<='} {self.limit:g} {self.unit}"
        verdict = {True: "yes", False: "**no**", None: ""}[self.holds]
        value = f"{self.value:.3f}" if self.unit == "x" and self.value < 10 else f"{self.value:.3g}"
        return [self.quantity, f"{value} {self.unit}".strip(), goal, verdict, self.note]

    def as_json(self) -> dict[str, Any]:
        """Return the line as plain values, with the keys of the stored results."""
        keys = {"quantity": "what", "minimum": "least"}
        return {keys.get(name, name): value for name, value in vars(self).items()}


def markdown(rows: list[Row]) -> str:
    """Return the table as it appears in the README."""
    head = ["quantity", "measured", "goal", "holds", ""]
    lines = [head, ["---"] * len(head), *(row.cells() for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


Runs = Mapping[str, Callable[[], Mapping[str, float]]]
"""Runs to measure side by side, by name; each call returns figures."""


def in_turns(runs: Runs, rounds: int) -> dict[str, list[Mapping[str, float]]]:
    """Call each run in turn, ``rounds`` times after one that does not count, and return all figures.

    The order is another one in each round: what ran before has used the caches of the processor.
    """
    found: dict[str, list[Mapping[str, float]]] = {name: [] for name in runs}
    order, shuffler = list(runs), random.Random(1)
    for index in range(rounds + 1):
        shuffler.shuffle(order)
        for name in order:
            figures = runs[name]()
            if index:
                found[name].append(figures)
    return found


def interleaved(runs: Runs, rounds: int) -> dict[str, dict[str, float]]:
    """Call each run as :func:`in_turns` does, and return the median of every figure."""
    return medians(in_turns(runs, rounds))


def medians(found: Mapping[str, list[Mapping[str, float]]]) -> dict[str, dict[str, float]]:
    """Return the median of every figure, by run."""
    return {name: {key: statistics.median(f[key] for f in rows) for key in rows[0]} for name, rows in found.items()}


class Stopwatch:
    """Wall-clock and CPU seconds since its creation."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    @property
    def wall(self) -> float:
        """Wall-clock seconds."""
        return time.perf_counter() - self._wall

    @property
    def cpu(self) -> float:
        """CPU seconds of the process."""
        return time.process_time() - self._cpu


def percentile(values: list[float], share: float) -> float:
    """Return the value below which a share of the values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def fresh(code: str, *arguments: str) -> Any:
    """Run code in a fresh process, one thread per call, and return the JSON that it prints last."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parent)}
    command = [sys.executable, "-c", code, *arguments]
    printed = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
    return json.loads(printed.splitlines()[-1])


def peak_memory() -> float:
    """Return the peak memory of this process in MiB; ``ru_maxrss`` would include that of its parent."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def machine() -> str:
    """Return the date and the machine, in one line."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.split(":")[1].strip() for line in lines if "model name" in line), platform.machine())
    cores, python = len(os.sched_getaffinity(0)), platform.python_version()
    return f"{datetime.date.today().isoformat()}, {cores} cores of {model}, Python {python}"
