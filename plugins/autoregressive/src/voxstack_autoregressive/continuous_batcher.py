"""Concurrent utterances that decode their steps in common batches."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from voxstack.streaming.combiner import Combiner
from voxstack.streaming.turn import current_turn, is_cancelled, waiting
from voxstack_autoregressive.decoding_state import DecodingState
from voxstack_autoregressive.step_batch import StepBatch

SLICE = 8
"""Steps between two chances to join a batch: each time, all states are stacked again."""


class ContinuousBatcher(Combiner[DecodingState]):
    """Runs the steps of concurrent utterances as one call per step.

    Utterances join a running batch after a few steps, and leave it as soon as they have the steps that they want.

    :param stack: makes a batch of utterances.
    :param max_rows: the most utterances of a batch.
    """

    def __init__(self, stack: Callable[[Sequence[DecodingState]], StepBatch], max_rows: int) -> None:
        super().__init__(max_rows)
        self._stack = stack

    def decode(self, state: DecodingState) -> None:
        """Return when the utterance has the steps that it wants.

        :raises Exception: the error of its own steps; others are unaffected.
        """
        state.isolated = False
        self(state)
        if state.error is not None:
            error, state.error = state.error, None
            raise error
        if not state.complete:  # its batch failed: alone, each utterance meets its own error
            batch = self._stack([state])
            while not state.complete:
                batch.run(state.wanted)
            batch.unstack()

    def gather(self) -> None:
        """Let the streams that wait for a turn go first: those of them that need steps join the batch."""
        turn = current_turn()
        if turn is not None and turn.wanted:
            with waiting():
                pass

    def run(self, batch: list[DecodingState]) -> None:
        try:
            self._run(batch)
        except Exception as error:
            failed = (
                batch[:1] if is_cancelled() else batch
            )  # the leader's own deadline ended it: others go on without it
            if len(failed) == 1:
                failed[0].error = error
            for state in failed:
                state.isolated = True

    def _run(self, states: list[DecodingState]) -> None:
        """Decode until an utterance is done, or another one has arrived and fits."""
        batch = self._stack(states)
        try:
            while True:
                batch.run(SLICE)
                if any(state.done for state in states) or (self.arrived and len(states) < self.max_rows):
                    return
        finally:  # an utterance that goes on alone goes on from the last step that all have made
            batch.unstack()
