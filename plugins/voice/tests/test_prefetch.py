from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import pytest

from voxstack import Prefetch, Scheduler, StreamableStack
from voxstack.streaming.turn import current_turn
from voxstack.testing import Case, Check, checks, checks_for

CHUNKS = [np.full(3, i, np.float32) for i in range(6)]
READS_AHEAD = checks.check_waits_for_no_more_than_its_lookahead
"""The one clause that does not hold: reading ahead is what the block is for."""


@pytest.mark.parametrize(
    "check", [check for check in checks_for(Prefetch()) if check is not READS_AHEAD], ids=lambda c: c.__name__
)
def test_contract(check: Check) -> None:
    check(Case(Prefetch()))


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "voxstack-prefetch"]


def ended() -> None:
    """Wait until the threads have ended: closing a stream does not wait for them."""
    for thread in threads():
        thread.join(10)
    assert threads() == []


@pytest.mark.parametrize("ahead", [1, 2, 4])
def test_it_works_ahead_as_far_as_it_may_and_no_further(ahead: int) -> None:
    made, enough = [], threading.Semaphore(0)

    def source() -> Iterator[np.ndarray]:
        for chunk in CHUNKS:
            made.append(chunk)
            enough.release()
            yield chunk

    stream = Prefetch(chunks=ahead).stream(source(), {})
    first = next(stream)
    assert first is CHUNKS[0]
    for _ in range(1 + ahead):
        assert enough.acquire(timeout=10), "the thread does not work ahead"
    assert not enough.acquire(timeout=0.05)
    assert len(made) == 1 + ahead
    stream.close()
    ended()


def test_closing_ends_the_thread_within_the_chunk_that_it_is_at_and_closes_the_source() -> None:
    closed, entered, go = [], threading.Event(), threading.Event()

    def source() -> Iterator[np.ndarray]:
        try:
            yield CHUNKS[0]
            entered.set()
            assert go.wait(10)
            yield CHUNKS[1]
            raise AssertionError("went on after the chunk")
        finally:
            closed.append(True)

    class Head(Prefetch):
        def stream(self, _: object, utterance: object) -> Iterator[np.ndarray]:
            return source()

    stream = StreamableStack([Head(), Prefetch()]).stream(iter(()), {})
    next(stream)
    assert entered.wait(10)
    threading.Timer(0.05, go.set).start()
    stream.close()
    ended()
    assert closed == [True]


def test_an_error_on_the_thread_is_raised_where_the_chunk_is_taken() -> None:
    def source() -> Iterator[np.ndarray]:
        yield CHUNKS[0]
        raise ValueError("broken")

    stream = Prefetch().stream(source(), {})
    next(stream)
    with pytest.raises(ValueError, match="broken"):
        next(stream)
    ended()


def test_the_thread_takes_turns_like_its_stream() -> None:
    scheduler, seen = Scheduler(workers=1), []
    ticket = scheduler.admit("voice", lambda: 7.0)

    def source() -> Iterator[np.ndarray]:
        for chunk in CHUNKS:
            assert not scheduler.queue.idle
            turn = current_turn()
            seen.append(turn.ticket if turn is not None else None)
            yield chunk

    stream = Prefetch(chunks=2).stream(source(), {})
    made = []
    while True:
        with ticket.turn():
            chunk = next(stream, None)
        if chunk is None:
            break
        made.append(chunk)
    assert [chunk[0] for chunk in made] == [0, 1, 2, 3, 4, 5]
    assert seen == [ticket] * 6
    assert scheduler.queue.idle == 1
