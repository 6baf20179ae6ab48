"""Costs of voices, as learnt from their streams."""

from __future__ import annotations

from collections.abc import Mapping

from voxstack_voice.deadline_queue import DeadlineQueue


class SpeedMeter:
    """Estimates how fast a stream of a voice can be produced.

    ``cost`` is the seconds of work per second of audio in the stream's last chunk; 0 before the first.

    :param costs: by voice: learnt seconds of work per second of audio.
    :param queue: the threads that wait for a worker.
    :param machine: the part of the processors that this process gets.
    """

    def __init__(self, costs: Mapping[str, float], voice: str, queue: DeadlineQueue, machine: MachineShare) -> None:
        self.cost = 0.0
        self._costs, self._voice, self._queue, self._machine = costs, voice, queue, machine

    def speed(self) -> float:
        """Return the seconds of audio that the stream can produce per second beside the others; 0 if unknown."""
        cost = max(self._costs.get(self._voice, 0.0), self.cost)
        competitors = 1 + self._queue.wanted / self._queue.workers
        return self._machine.share / (cost * competitors) if cost else 0.0


class MachineShare:
    """The part of the time in which threads that compute have a processor: less than 1 on a machine with other work.

    An average over turns, weighted by their lengths, in which older turns count less and less.
    """

    def __init__(self) -> None:
        self.share = 1.0
        self._work = self._stolen = 0.0

    def observe(self, work: float, stolen: float) -> None:
        """Count a turn: seconds of work, and seconds for which its thread waited for a processor."""
        self._work = 0.95 * self._work + work
        self._stolen = 0.95 * self._stolen + max(0.0, stolen)
        self.share = self._work / (self._work + self._stolen) if self._work > 0 else 1.0


def learn(costs: dict[str, float], voice: str, cost: float) -> None:
    """Update the cost of a voice by a new measurement, an exponential average with a weight of 0.1."""
    costs[voice] = cost if voice not in costs else 0.9 * costs[voice] + 0.1 * cost
