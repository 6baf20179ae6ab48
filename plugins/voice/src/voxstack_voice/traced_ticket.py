"""The account of a stream whose turns are recorded."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import ClassVar, TypeVar

from voxstack.streaming.tracing import Trace
from voxstack_voice.event_trace import EventTrace
from voxstack_voice.stream_turn import StreamTurn
from voxstack_voice.ticket import Ticket

T = TypeVar("T")


def ticket_of(trace: Trace) -> type[Ticket]:
    """Return the type of the ticket for a stream with a trace: one that records turns, if the trace does."""
    if not isinstance(trace, EventTrace):
        return Ticket

    return type("TicketOfTrace", (TracedTicket,), {"events": trace})


class TracedTurn(StreamTurn):
    """A turn that records when it waits for a worker, and when it is released."""

    ticket: TracedTicket
    _since: float | None = None

    def acquire_first(self) -> None:
        start = time.perf_counter()
        super().acquire_first()
        self.ticket.events.add_wait(start)

    def release(self) -> None:
        self._since = time.perf_counter()
        super().release()

    def acquire(self) -> None:
        super().acquire()
        if self._since is not None:
            self.ticket.events.add("released", "scheduler", self._since)
            self._since = None

    def run(self, job: Callable[[], object]) -> None:
        events = self.ticket.events

        def observed() -> None:
            with events.observing():
                job()

        super().run(observed)


class TracedTicket(Ticket):
    """A ticket that records its turns and their waits; and the network calls inside them, on whichever thread."""

    turn_type = TracedTurn
    events: ClassVar[EventTrace]

    def submit(self, job: Callable[[], T]) -> Future[T]:
        submitted = time.perf_counter()

        def waited() -> T:
            self.events.add_wait(submitted)
            return job()

        return super().submit(waited)

    @contextmanager
    def _charge(self, turn: StreamTurn) -> Iterator[None]:
        start, audio, wanted = time.perf_counter(), self.audio, self.queue.wanted
        late_in = self.deadline() - start
        try:
            with self.events.observing(), super()._charge(turn):
                yield
        finally:
            due = {"due in ms": round(1e3 * late_in, 3)} if abs(late_in) < 1e6 else {}  # streams without a listener
            seconds = round(self.audio - audio, 6)
            self.events.add("turn", "scheduler", start, {"audio s": seconds, "streams waiting": wanted, **due})
