"""Calls that compute on two cores while no other stream needs the second one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from voxstack.networks import Context, NetworkSpec, Runner
from voxstack.streaming.turn import available_cores, current_turn
from voxstack_onnx_runtime.providers import PROVIDERS, Provider

LARGE = 16 * 2**20
"""Bytes of an encoder that is worth a second session; those of smaller ones take a few milliseconds a call."""

THREADS = 2


class SpareCore:
    """An encoder with a second session, whose calls have two threads.

    A listener waits for all of an encoder's work, while one worker of the scheduler has nothing to do. Where streams or
    other programs use all cores, two threads for a call would take longer than one. Both give the same values: threads
    share the elements of a result, not the sums in it.

    :param one: the network with one thread a call, and ``two`` with two of them.
    """

    def __init__(self, one: Runner, two: Runner) -> None:
        self._one, self._two = one, two

    def __call__(self, **tensors: np.ndarray) -> Mapping[str, np.ndarray]:
        """Run once."""
        turn = current_turn()
        spare = turn is not None and turn.idle > 0 and not turn.wanted and not turn.crowded
        return (self._two if spare else self._one)(**tensors)

    @property
    def stats(self) -> Mapping[str, Any]:
        """Counters: ``compilations``, which happened when the network was opened."""
        return {"compilations": THREADS}

    @property
    def effective(self) -> Mapping[str, Any]:
        """The report of the session with one thread, as calls have without a spare core."""
        found: Mapping[str, Any] = getattr(self._one, "effective", {})
        return found


def is_worthwhile(spec: NetworkSpec, context: Context, provider: Provider) -> bool:
    """Return whether a network is a large encoder that runs on one thread of a processor with more cores."""
    if provider is not PROVIDERS["cpu"] or spec.role != "encoder" or context.threads != 1 or available_cores() < 2:
        return False
    return sum(spec.path(file).stat().st_size for file in spec.exports["onnx"]) >= LARGE
