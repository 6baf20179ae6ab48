"""The networks of one utterance, run on several threads."""

from __future__ import annotations

import threading

import numpy as np

from voxstack import Utterance
from voxstack.streaming.turn import current_turn, waiting
from voxstack_customized_encoders.plan import Plan
from voxstack_customized_encoders.unscheduled import Unscheduled


class ParallelRun:
    """Runs each network as soon as its inputs exist and a thread is free.

    The calling thread runs networks itself. Helper threads join only while more networks are ready than it can run at
    once and, for networks that this machine's processor computes, only in a turn that no other stream wants: one stream
    uses idle cores, many streams share them as if there were no helpers, and no more threads compute than there are
    cores. A network on another device only has to be waited for; that takes a thread, and no turn.

    A helper that has not started is never waited for; the calling thread runs what no helper has started.

    :param limit: the most networks that run at the same time.
    """

    def __init__(self, plan: Plan, utterance: Utterance, limit: int) -> None:
        self._plan, self._utterance, self._limit = plan, utterance, limit
        self._turn = current_turn() or Unscheduled.shared()
        self._results: dict[str, np.ndarray] = {}
        self._missing = list(plan.dependencies)
        self._ready = [index for index, count in enumerate(plan.dependencies) if not count]
        self._running: set[int | None] = set()
        self._helpers = self._computing = 0
        self._errors: list[BaseException] = []
        self._stopped = False
        self._changed = threading.Condition()  # held only briefly, never while a network runs

    def run(self) -> dict[str, np.ndarray]:
        """Return the outputs of all networks.

        :raises VoxstackError: of the network that failed, once no other runs any more; errors of others are in its
            notes.
        """
        try:
            while self._wait():
                self._work(any_device=True)
        finally:
            with self._changed:
                self._stop()
            while self._wait():  # nothing is left running, whatever happened
                pass
        if self._errors:
            raise self._failure()
        return self._results

    def _work(self, any_device: bool) -> bool:
        """Run the ready network wanted first, after calling helpers for the others; return whether there was one.

        :param any_device: whether this thread may also compute on this machine's processor.
        """
        index, outputs, error = None, {}, None
        try:
            with self._changed:
                index = self._take(any_device)
                waiting_helpers, computing_helpers = self._helpers_wanted() if index is not None else (0, 0)
            if index is None:
                return False
            self._call_helpers(waiting_helpers, computing_helpers)
            outputs = self._plan.run(index, self._utterance, self._results)
        except BaseException as raised:  # raised again where the block was called
            error = raised
        with self._changed:
            self._finish(index, outputs, error)
        return True

    def _take(self, any_device: bool) -> int | None:
        """Start the ready network that is wanted first, and return its index. Called with the lock held."""
        remote = self._plan.remote
        candidates = (index for index in self._ready if any_device or remote[index])
        index = min(candidates, key=lambda index: (remote[index], index), default=None)
        if index is not None:
            self._ready.remove(index)
            self._running.add(index)
        return index

    def _finish(self, index: int | None, outputs: dict[str, np.ndarray], error: BaseException | None) -> None:
        """Record the end of a network, and wake the threads that wait for it. Called with the lock held."""
        self._running.discard(index)
        self._results.update(outputs)
        if error is not None:
            self._errors.append(error)
            self._stop()
        for other in self._plan.dependents[index] if index is not None else ():
            self._missing[other] -= 1
            if not self._missing[other] and not self._stopped:
                self._ready.append(other)
        self._changed.notify_all()

    def _helpers_wanted(self) -> tuple[int, int]:
        """Return how many helpers to add: those that only wait, and those that compute. Called with the lock held."""
        room = self._limit - 1 - self._helpers
        waiting_helpers = min(room, sum(self._plan.remote[index] for index in self._ready))
        cores = self._turn.workers - 1 - self._computing  # this thread computes, too, even if it has no turn
        local = len(self._ready) - waiting_helpers
        computing_helpers = max(0, min(room - waiting_helpers, local, self._turn.idle, cores))
        self._helpers += waiting_helpers + computing_helpers
        self._computing += computing_helpers
        return waiting_helpers, computing_helpers

    def _call_helpers(self, waiting_helpers: int, computing_helpers: int) -> None:
        for in_turn in [False] * waiting_helpers + [True] * computing_helpers:
            try:
                if in_turn:
                    self._turn.submit(self._help)
                else:
                    self._turn.run(lambda: self._help(in_turn=False))
            except RuntimeError:  # no thread can be started: this one does the work
                self._dismiss(in_turn)

    def _help(self, in_turn: bool = True) -> None:
        """Run ready networks on a helper thread, as long as no other stream wants its turn."""
        while self._work(any_device=in_turn) and not (in_turn and self._turn.wanted):
            pass
        self._dismiss(in_turn)

    def _dismiss(self, in_turn: bool) -> None:
        with self._changed:
            self._helpers -= 1
            self._computing -= in_turn

    def _stop(self) -> None:
        """Start no further network. Called with the lock held."""
        self._stopped = True
        self._ready = []

    def _wait(self) -> bool:
        """Wait until a network is ready; return False once none is ready or running."""
        with self._changed:
            if self._ready or not self._running:
                return bool(self._ready)
        with waiting(), self._changed:
            self._changed.wait_for(lambda: self._ready or not self._running)
            return bool(self._ready)

    def _failure(self) -> BaseException:
        first, *others = self._errors
        for other in others:
            first.add_note(f"also failed: {other}")
        self._errors = []  # their tracebacks hold this object
        return first
