"""Costs of voices, as learnt from their streams."""

from __future__ import annotations

import math
from collections.abc import Mapping

from voxstack_voice.deadline_queue import DeadlineQueue

EFFICIENT = 2.0
"""What computing the audio of a chunk costs at least, as a multiple of the rest of its work, where others wait."""

MAX_OVERHEAD = 0.3
"""Seconds of audio that the rest of a chunk's work counts as at most, so that a few unusual chunks do no harm."""

SHARE_MEMORY = 0.5
"""Seconds of turns after which an observation of the machine counts a third: other programs come and go."""

BACKGROUND_TURN = 0.1
"""Seconds of work of a chunk without a listener, where others may come that have one."""


class SpeedMeter:
    """Estimates how fast a stream of a voice can be produced, and the lengths of its chunks that suit the others.

    ``cost`` is the seconds of work per second of audio in the stream's last chunk; 0 before the first.

    :param costs: by voice: learnt seconds of work per second of audio.
    :param queue: the threads that wait for a worker.
    :param machine: the part of the processors that this process gets.
    :param chunk_costs: of the voice.
    """

    def __init__(
        self,
        costs: Mapping[str, float],
        voice: str,
        queue: DeadlineQueue,
        machine: MachineShare,
        chunk_costs: ChunkCosts,
    ) -> None:
        self.cost = 0.0
        self._costs, self._voice, self._queue, self._machine = costs, voice, queue, machine
        self._chunk_costs = chunk_costs

    def speed(self) -> float:
        """Return the seconds of audio that the stream can produce per second beside the others; 0 if unknown."""
        cost = max(self._costs.get(self._voice, 0.0), self.cost)
        return self._machine.share / (cost * self._queue.competitors) if cost else 0.0

    def lengths(self, live: bool) -> tuple[float, float]:
        """Return the least and the most seconds of audio of the next chunk.

        Short chunks of a stream that is not ahead make the work for which all streams fall behind. Long ones of a
        stream without a listener keep a worker from those that have one.
        """
        others = self._queue.wanted > 0
        if live:
            return (EFFICIENT * self._chunk_costs.overhead if others else 0.0), math.inf
        cost = self._costs.get(self._voice, 0.0) or self.cost
        return 0.0, BACKGROUND_TURN / cost if cost and (others or not self._queue.free) else math.inf


class ChunkCosts:
    """The work of the chunks of a voice as a line: some for every chunk, and some for each second of its audio.

    The line is a regression over chunks, in which older ones count less and less.
    """

    def __init__(self) -> None:
        self._weight = self._x = self._y = self._xx = self._xy = 0.0

    def learn(self, audio: float, work: float) -> None:
        """Count a chunk: seconds of audio, and of work."""
        kept = 0.98
        self._weight = kept * self._weight + 1
        self._x, self._y = kept * self._x + audio, kept * self._y + work
        self._xx, self._xy = kept * self._xx + audio * audio, kept * self._xy + audio * work

    @property
    def overhead(self) -> float:
        """Seconds of audio that cost as much as what every chunk costs; 0 while that is unknown."""
        spread = self._weight * self._xx - self._x * self._x
        if self._weight < 3 or spread < 0.01 * self._x * self._x:
            return 0.0
        slope = (self._weight * self._xy - self._x * self._y) / spread
        base = (self._y - slope * self._x) / self._weight
        return min(base / slope, MAX_OVERHEAD) if slope > 0 and base > 0 else 0.0


class MachineShare:
    """The part of the time in which threads that compute have a processor: less than 1 on a machine with other work.

    An average over the last seconds of turns (:data:`SHARE_MEMORY`).
    """

    def __init__(self) -> None:
        self.share = 1.0
        self._work = self._stolen = 0.0

    @property
    def crowded(self) -> bool:
        """True if other programs use a part of the processors that counts."""
        return self.share < 0.95

    def observe(self, work: float, stolen: float) -> None:
        """Count a turn: seconds of work, and seconds for which its thread waited for a processor."""
        work, stolen = max(0.0, work), max(0.0, stolen)
        kept = math.exp(-(work + stolen) / SHARE_MEMORY)
        self._work, self._stolen = kept * self._work + work, kept * self._stolen + stolen
        self.share = self._work / (self._work + self._stolen) if self._work > 0 else 1.0


def learn(costs: dict[str, float], voice: str, cost: float) -> None:
    """Update the cost of a voice by a new measurement, an exponential average with a weight of 0.1."""
    costs[voice] = cost if voice not in costs else 0.9 * costs[voice] + 0.1 * cost
