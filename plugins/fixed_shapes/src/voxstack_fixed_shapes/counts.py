"""What keeping to fixed sizes costs."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable
from typing import Any

from voxstack_fixed_shapes.plans import Plan


class Counts:
    """Counts calls and the steps that were computed for them. Any number of threads may count.

    :param axes: the fixed axes.
    """

    def __init__(self, axes: Iterable[str]) -> None:
        self._lock = threading.Lock()
        self._totals: Counter[str] = Counter()
        self._sizes: Counter[str] = Counter()
        self._axes = {axis: Counter(real=0, computed=0, padding=0, recomputed=0) for axis in axes}

    def count(self, plan: Plan) -> None:
        """There was one more call that was made up so."""
        with self._lock:
            self._totals.update(calls=1, runs=plan.runs, real=plan.real, computed=plan.computed)
            self._sizes.update(plan.sizes)
            for axis, steps in plan.steps.items():
                self._axes[axis].update(steps)

    def told(self) -> dict[str, Any]:
        """All that was counted."""
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
