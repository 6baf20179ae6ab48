"""The number of replicas that the demand for speech needs."""

from __future__ import annotations

import math
from typing import Any


class LoadPolicy:
    """Aims at a number of replicas whose workers are in use for a part of their time; Ray adds the delays.

    The demand is in seconds of work per second, which streams need at real time, not in requests: a stream of a voice
    that is slow to compute counts for more.

    :param load: that part.
    """

    def __init__(self, load: float) -> None:
        self._load = load

    def __call__(self, context: Any) -> tuple[int, dict[str, Any]]:
        """Return the number of replicas for the state of a deployment, and no state of this policy."""
        loads = (context.aggregated_metrics or {}).get("load", {})
        needed = max(1, math.ceil(sum(loads.values()) / self._load - 1e-6))
        if len(loads) < context.current_num_replicas:  # some have not reported yet, and may be busy
            needed = max(needed, context.target_num_replicas)
        return needed, {}
