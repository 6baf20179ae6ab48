"""Streams that miss their deadlines when a test says so."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from voxstack.streaming.turn import CURRENT_TURN, Turn

SAFETY = 30.0
"""Seconds after which a test fails instead of hanging."""


class LimitedTurn(Turn):
    """A turn of a stream with a deadline, of which no scheduler knows."""

    limited, workers, idle, wanted = True, 1, 0, 0

    def __init__(self) -> None:
        self.interrupts: list[Callable[[], object]] = []
        self.missed = False

    @property
    def cancelled(self) -> bool:
        return self.missed

    def miss(self) -> None:
        """Miss the deadline."""
        self.missed = True
        for interrupt in list(self.interrupts):
            interrupt()

    def miss_soon(self, seconds: float = 0.05) -> None:
        """Miss the deadline on another thread, once something can be interrupted and some time has passed."""

        def run() -> None:
            pause, ticks = threading.Event(), 0
            while not self.interrupts and ticks < SAFETY / seconds:
                pause.wait(seconds)
                ticks += 1
            pause.wait(seconds)
            self.miss()

        threading.Thread(target=run, daemon=True).start()

    def submit(self, job: Callable[[], object]) -> None:
        raise NotImplementedError

    run = submit

    def another(self) -> AbstractContextManager[None]:
        return nullcontext()

    def release(self) -> None:
        self.held = False

    def acquire(self) -> None:
        self.held = True


@contextmanager
def limited() -> Iterator[LimitedTurn]:
    """Run the block inside in a turn of a stream with a deadline."""
    turn = LimitedTurn()
    token = CURRENT_TURN.set(turn)
    try:
        yield turn
    finally:
        CURRENT_TURN.reset(token)
