"""Who is next: streams that play, newcomers, and streams without a listener."""

from __future__ import annotations

import math
import threading
import time

import pytest

from voxstack_voice import deadline_queue
from voxstack_voice.deadline_queue import DeadlineQueue


class Clock:
    """A module ``time`` whose clock stands still."""

    now = 100.0

    def perf_counter(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(deadline_queue, "time", clock)
    return clock


def served(queue: DeadlineQueue, *waiting: tuple[str, float, bool]) -> list[str]:
    """Return the order in which these (name, deadline, newcomer) have their turns once a worker is free."""
    order: list[str] = []
    done = threading.Event()
    queue.acquire(0.0)
    for name, deadline, newcomer in waiting:
        queue.submit(deadline, lambda name=name: order.append(name), newcomer)
    queue.submit(math.inf, done.set)
    queue.release()
    assert done.wait(20)
    end = time.monotonic() + 20
    while queue.idle < queue.workers and time.monotonic() < end:
        pass
    return order


def test_newcomers_go_first_while_all_that_play_are_in_time(clock: Clock) -> None:
    queue = DeadlineQueue(1)
    queue.learn(0.010, newcomer=False)
    queue.learn(0.030, newcomer=True)
    assert served(queue, ("play", 100.2, False), ("new", 99.0, True), ("newer", 99.5, True)) == ["new", "newer", "play"]
    assert served(queue, ("play", 100.045, False), ("new", 99.0, True)) == ["play", "new"]


def test_many_that_play_are_protected_earlier(clock: Clock) -> None:
    queue = DeadlineQueue(1)
    queue.learn(0.010, newcomer=False)
    queue.learn(0.030, newcomer=True)
    players = [(f"play{n}", 100.1 + 0.001 * n, False) for n in range(10)]
    order = served(queue, *players, ("new", 99.0, True))
    # With every turn fewer of them wait: the newcomer's turn and theirs fit before the first deadline when 4 are left.
    assert order.index("new") == 5
    assert [name for name in order if name != "new"] == [name for name, *_ in players]


def test_who_is_late_goes_before_any_newcomer(clock: Clock) -> None:
    assert served(DeadlineQueue(1), ("new", 0.0, True), ("late", 99.9, False)) == ["late", "new"]


def test_streams_without_a_listener_are_last_in_their_order(clock: Clock) -> None:
    waiting = [("a", math.inf, False), ("b", math.inf, False), ("new", 99.0, True), ("play", 900.0, False)]
    assert served(DeadlineQueue(1), *waiting) == ["new", "play", "a", "b"]


def test_the_lengths_of_turns_are_averages() -> None:
    queue = DeadlineQueue(2)
    assert queue.guard == 0
    for seconds in (1.0, 2.0):
        queue.learn(seconds, newcomer=True)
    assert queue.guard == pytest.approx(1.1)
    queue.learn(0.5, newcomer=False)
    assert queue.guard == pytest.approx(1.6)


def test_a_newcomer_may_withdraw() -> None:
    queue = DeadlineQueue(1)
    queue.acquire(0.0)
    entry = (1.0, 7, lambda: None, False)
    queue._push(entry, newcomer=True)
    assert queue.wanted == 1
    assert queue._withdraw(entry)
    assert not queue._withdraw(entry)
    assert queue.wanted == 0
