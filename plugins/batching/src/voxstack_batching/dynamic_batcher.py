"""Calls of concurrent streams, run in common batches."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from voxstack.streaming.combiner import Combiner, Job
from voxstack.streaming.turn import current_turn


class Call(Job):
    """One call of a network, and its result.

    :param key: calls with equal keys fit into one batch.
    :param rows: its share of the batch axis.
    """

    def __init__(self, tensors: Mapping[str, np.ndarray], key: object, rows: int) -> None:
        super().__init__()
        self.tensors, self.rows = tensors, rows
        self.result: Mapping[str, np.ndarray] | None = None
        self.error: Exception | None = None
        self._key = key

    @property
    def key(self) -> object:
        return self._key

    @property
    def done(self) -> bool:
        return self.result is not None or self.error is not None

    def outcome(self) -> Mapping[str, np.ndarray]:
        """Return the result, or raise the error. Call it once: a stored error would keep this call alive."""
        error, self.error = self.error, None
        if error is not None:
            try:
                raise error
            finally:
                del error
        assert self.result is not None, "outcome() was called before the call was done"
        return self.result


class DynamicBatcher(Combiner[Call]):
    """Runs calls at once while there is capacity, and otherwise together with those that wait.

    A call runs at once while fewer than ``lanes`` batches run, when it fills a batch, or when no other stream wants the
    turn that it would release. Otherwise it releases its turn and waits for a batch to finish; then the oldest waiting
    call leads the next one. The longer a batch takes, the more calls the next one has, and none waits longer than for
    those before it.

    :param run: runs calls that fit into one batch, on the thread of one of them, and sets their results.
    :param max_rows: rows of a batch, at most.
    :param lanes: batches that run at the same time before calls wait.
    """

    def __init__(self, run: Callable[[list[Call]], None], max_rows: int, lanes: int) -> None:
        super().__init__(max_rows, lanes)
        self._run = run

    def run(self, batch: list[Call]) -> None:
        self._run(batch)

    def starts(self, job: Call) -> bool:
        waiting_rows = sum(other.rows for other in self._waiting if other.key == job.key)
        if super().starts(job) or waiting_rows + job.rows >= self.max_rows:
            return True
        turn = current_turn()
        return turn is not None and turn.wanted == 0  # without a turn, waiting keeps no worker idle
