"""Counters of calls and of the steps that fixed sizes cost."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable
from typing import Any

from voxstack_fixed_shapes.plans import Plan


class PaddingCounters:
    """Counts calls and the steps computed for them. Any number of threads may count.

    :param axes: the fixed axes.
    """

    def __init__(self, axes: Iterable[str]) -> None:
        self._lock = threading.Lock()
        self._totals: Counter[str] = Counter()
        self._sizes: Counter[str] = Counter()
        self._axes = {axis: Counter(real=0, computed=0, padding=0, recomputed=0) for axis in axes}

    def add(self, plan: Plan) -> None:
        """Count one call that ran as planned."""
        with self._lock:
            self._totals.update(calls=1, runs=plan.runs, real=plan.real, computed=plan.computed)
            self._sizes.update(plan.sizes)
            for axis, steps in plan.steps.items():
                self._axes[axis].update(steps)

    def snapshot(self) -> dict[str, Any]:
        """Return all counters, in the form of the network's ``stats``."""
        with self._lock:
            totals, axes = self._totals.copy(), {axis: dict(steps) for axis, steps in self._axes.items()}
            sizes = dict(sorted(self._sizes.items()))
        return {
            "calls": totals["calls"],
            "runs": totals["runs"],
            "sizes": sizes,
            "axes": {
                axis: {**steps, "waste": _waste(steps["real"], steps["computed"])} for axis, steps in axes.items()
            },
            "waste": _waste(totals["real"], totals["computed"]),
        }


def _waste(real: int, computed: int) -> float:
    return 1 - real / computed if computed else 0.0
