"""Costs of voices, as learnt from their streams."""

from __future__ import annotations

from collections.abc import Mapping

from voxstack_voice.deadline_queue import DeadlineQueue


class SpeedMeter:
    """Estimates how fast a stream of a voice can be produced.

    ``cost`` is the seconds of work per second of audio in the stream's last chunk; 0 before the first.

    :param costs: by voice: learnt seconds of work per second of audio.
    :param queue: the threads that wait for a worker.
    """

    def __init__(self, costs: Mapping[str, float], voice: str, queue: DeadlineQueue) -> None:
        self.cost = 0.0
        self._costs, self._voice, self._queue = costs, voice, queue

    def speed(self) -> float:
        """Return the seconds of audio that the stream can produce per second beside the others; 0 if unknown."""
        cost = max(self._costs.get(self._voice, 0.0), self.cost)
        competitors = 1 + self._queue.wanted / self._queue.workers
        return 1 / (cost * competitors) if cost else 0.0


def learn(costs: dict[str, float], voice: str, cost: float) -> None:
    """Update the cost of a voice by a new measurement, an exponential average with a weight of 0.1."""
    costs[voice] = cost if voice not in costs else 0.9 * costs[voice] + 0.1 * cost
