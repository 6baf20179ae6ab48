"""The networks of one utterance, run by as many hands as there are."""

from __future__ import annotations

import math
import threading

import numpy as np

from voxstack import Scheduler, Utterance
from voxstack.scheduler import current_ticket, waiting
from voxstack_customized_encoders.plan import Plan


class Together:
    """Runs each network as soon as its inputs are there and a hand is free.

    The calling thread is one hand. Others help only where more is ready than it can do at once, and, for what this machine's
    processor computes, only in a turn of the scheduler that nobody else wants: so one stream uses idle cores, many streams share
    them as if there were no helpers, and there are never more threads that compute than cores. What computes elsewhere only has
    to be waited for; that takes a thread, and no turn.

    Nobody waits for a helper that has not begun; what nobody else has begun, the calling thread does itself.

    :param most: networks that run at the same time.
    """

    def __init__(self, plan: Plan, utterance: Utterance, most: int) -> None:
        self._plan, self._utterance, self._most = plan, utterance, most
        self._ticket = current_ticket()
        self._turns = self._ticket.turns if self._ticket is not None else Scheduler.shared().turns
        self._made: dict[str, np.ndarray] = {}
        self._before = list(plan.before)
        self._ready = [index for index, count in enumerate(plan.before) if not count]
        self._running: set[int | None] = set()
        self._helpers = self._computing = 0
        self._errors: list[BaseException] = []
        self._stopped = False
        self._changed = threading.Condition()  # held for a moment only, never while a network runs

    def run(self) -> dict[str, np.ndarray]:
        """Return what all networks made.

        :raises VoxstackError: of the network that failed, once no other runs any more; those that failed beside it are in its notes.
        """
        try:
            while self._wait():
                self._work(any_place=True)
        finally:
            with self._changed:
                self._stop()
            while self._wait():  # nothing is left running, whatever happened
                pass
        if self._errors:
            raise self._failure()
        return self._made

    def _work(self, any_place: bool) -> bool:
        """Run what is ready and wanted first, after calling helpers for the rest; False if there is nothing for this hand.

        :param any_place: whether this hand may compute on this machine's processor, too.
        """
        index, made, error = None, {}, None
        try:
            with self._changed:
                index = self._take(any_place)
                waits, computes = self._helpers_wanted() if index is not None else (0, 0)
            if index is None:
                return False
            self._call_helpers(waits, computes)
            made = self._plan.run(index, self._utterance, self._made)
        except BaseException as raised:  # it is raised again where the block was called
            error = raised
        with self._changed:
            self._ended(index, made, error)
        return True

    def _take(self, any_place: bool) -> int | None:
        """Begin with what is ready and wanted first. Called with the lock held, as what follows but for the last."""
        apart = self._plan.apart
        index = min((i for i in self._ready if any_place or apart[i]), key=lambda i: (apart[i], i), default=None)
        if index is not None:
            self._ready.remove(index)
            self._running.add(index)
        return index

    def _ended(self, index: int | None, made: dict[str, np.ndarray], error: BaseException | None) -> None:
        self._running.discard(index)
        self._made.update(made)
        if error is not None:
            self._errors.append(error)
            self._stop()
        for other in self._plan.behind[index] if index is not None else ():
            self._before[other] -= 1
            if not self._before[other] and not self._stopped:
                self._ready.append(other)
        self._changed.notify_all()

    def _helpers_wanted(self) -> tuple[int, int]:
        """How many more hands there is work for: those that only wait, and those that compute."""
        room = self._most - 1 - self._helpers
        waits = min(room, sum(self._plan.apart[i] for i in self._ready))
        others = self._turns.workers - 1 - self._computing  # this thread computes, too, even where it has no turn
        computes = max(0, min(room - waits, len(self._ready) - waits, self._turns.idle, others))
        self._helpers += waits + computes
        self._computing += computes
        return waits, computes

    def _call_helpers(self, waits: int, computes: int) -> None:
        for _ in range(waits):
            self._turns.run(self._help, False)
        for _ in range(computes):
            if self._ticket is None:
                self._turns.take_for(math.inf, self._help)
            else:
                self._ticket.submit(self._help)

    def _help(self, in_turn: bool = True) -> None:
        """What a helper does: something that is ready, and more of it as long as nobody else wants its turn."""
        while self._work(any_place=in_turn) and not (in_turn and self._turns.wanted):
            pass
        with self._changed:
            self._helpers -= 1
            self._computing -= in_turn

    def _stop(self) -> None:
        """Begin with nothing any more. Called with the lock held."""
        self._stopped = True
        self._ready = []

    def _wait(self) -> bool:
        """Wait until something is ready; False once there is nothing to wait for either."""
        with self._changed:
            if self._ready or not self._running:
                return bool(self._ready)
        with waiting(), self._changed:
            self._changed.wait_for(lambda: self._ready or not self._running)
            return bool(self._ready)

    def _failure(self) -> BaseException:
        first, *others = self._errors
        for other in others:
            first.add_note(f"beside it: {other}")
        self._errors = []  # their tracebacks hold this object
        return first
