"""Which of the calls that come at the same time are run as one, and on whose thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

import numpy as np

from voxstack.scheduler import current_ticket, waiting


class Call:
    """One call, and what came of it.

    :param key: calls with equal keys fit together.
    :param rows: its part of the batch axis.
    """

    def __init__(self, tensors: Mapping[str, np.ndarray], key: object, rows: int) -> None:
        self.tensors, self.key, self.rows = tensors, key, rows
        self.result: Mapping[str, np.ndarray] | None = None
        self.error: Exception | None = None
        self.batch: list[Call] = []  # the calls that it leads, itself among them
        self.leads = self.gone = False
        self.woken = threading.Lock()
        self.woken.acquire()

    @property
    def done(self) -> bool:
        return self.result is not None or self.error is not None

    def outcome(self) -> Mapping[str, np.ndarray]:
        """Return the result, or raise the error. Once: an error that is kept would keep this call alive."""
        error, self.error = self.error, None
        if error is not None:
            try:
                raise error
            finally:
                del error
        assert self.result is not None, "asked for before it was done"
        return self.result


class Gathering:
    """Has calls run at once where there is room, and else together with those that wait as well.

    Nobody waits for company, and no worker for work: a call runs at once while fewer than ``lanes`` do, when it fills a batch,
    or when no other stream wants the turn that it would give away. If not, it gives that turn away and waits until a batch is
    through; then the oldest that waits leads: it takes its turn again, and runs all that have come and fit. So the longer a batch
    takes, the more calls the next one has, and none waits longer than for those before it. There is no thread behind this, and
    no call outlives its caller.

    :param run: runs calls that fit together, on the thread of one of them, and sets what came of each.
    :param most: rows a batch.
    :param lanes: batches that run at the same time before calls wait.
    """

    def __init__(self, run: Callable[[list[Call]], None], most: int, lanes: int) -> None:
        self._run, self._most, self._lanes = run, most, lanes
        self._lock = threading.Lock()
        self._running = 0  # those that lead, also while they wait for their turn
        self._waiting: list[Call] = []  # the oldest first, and without those that lead or are led

    def __call__(self, call: Call) -> None:
        """Return when the call is done. An exception that interrupts a caller, such as KeyboardInterrupt, withdraws its call."""
        try:
            self._arrive(call)
            if not call.leads:
                with waiting():
                    call.woken.acquire()
            if call.leads:
                self._run(self._joined(call))
        finally:
            self._leave(call)

    def _arrive(self, call: Call) -> None:
        with self._lock:
            fitting = sum(other.rows for other in self._waiting if other.key == call.key)
            if self._running < self._lanes or fitting + call.rows >= self._most or not _is_turn_wanted():
                self._running += 1
                call.leads = True
            else:
                self._waiting.append(call)

    def _joined(self, leader: Call) -> list[Call]:
        """The leader, and of those that wait the oldest that fit."""
        batch, others, rows = [leader], list[Call](), leader.rows
        with self._lock:
            for call in self._waiting:
                fits = call.key == leader.key and rows + call.rows <= self._most
                (batch if fits else others).append(call)
                rows += call.rows if fits else 0
            self._waiting, leader.batch = others, batch
        return batch

    def _leave(self, call: Call) -> None:
        """The caller goes: whoever it led and is done may go, too, those that are not wait again, and the next one leads."""
        if not call.leads and call.done:
            return
        with self._lock:
            call.gone = True
            if not call.leads:
                self._waiting = [other for other in self._waiting if other is not call]
                return
            led = call.batch[1:]
            waiting = [other for other in led if not other.done and not other.gone] + self._waiting
            woken = [other for other in led if other.done]
            count = 1 if waiting and self._running <= self._lanes else 0
            following, self._waiting = waiting[:count], waiting[count:]
            self._running += count - 1
            call.leads, call.batch = False, []
            for other in following:
                other.leads = True
        for other in following + woken:
            other.woken.release()


def _is_turn_wanted() -> bool:
    """Whether another stream waits for the turn that the calling code has. True where it has none: waiting keeps nobody idle."""
    ticket = current_ticket()
    return ticket is None or ticket.turns.wanted > 0
