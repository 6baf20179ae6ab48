"""The scheduler and Prefetch under forced interleavings."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from random import Random
from typing import Any

import numpy as np
import pytest
from interleaving import SEEDS, make_sleepy, run_together

from voxstack import Prefetch, Scheduler, StreamableStack
from voxstack.streaming.turn import waiting
from voxstack_voice import deadline_queue, scheduler


class Workers:
    """Counts the threads that compute at the same time."""

    def __init__(self) -> None:
        self.now = self.most = 0
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self.now -= 1


@pytest.mark.parametrize("workers", [1, 2])
def test_no_turn_is_lost_or_taken_twice(workers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in SEEDS:
        random = Random(seed)
        with monkeypatch.context() as patch:
            make_sleepy(patch, seed, deadline_queue, scheduler, longest=0.001)
            shared, computing = Scheduler(workers, load=None, patience=None), Workers()

            def stream(
                plan: list[int], deadline: float, shared: Scheduler = shared, computing: Workers = computing
            ) -> None:
                ticket = shared.admit("voice", lambda: deadline)

                def compute() -> int:
                    with computing:
                        return 1

                for kind in plan:
                    if kind == 0:
                        with ticket.turn():
                            compute()
                            with waiting():
                                pass
                            compute()
                    else:
                        before = ticket.seconds
                        assert ticket.submit(compute).result(30) == 1
                        assert ticket.seconds > before, "the caller woke before the turn was charged"
                ticket.leave()

            plans = [[random.randint(0, 1) for _ in range(4)] for _ in range(6)]
            deadlines = [random.random() for _ in plans]
            rows = zip(plans, deadlines, strict=True)
            jobs = [lambda plan=plan, deadline=deadline: stream(plan, deadline) for plan, deadline in rows]
            assert run_together(jobs) == [None] * len(plans), f"seed {seed}"
        assert computing.most <= workers, f"seed {seed}"
        for _ in range(1000):  # threads of the pool pass their turn on after their last result is seen
            if shared.queue.idle == workers:
                break
            threading.Event().wait(0.001)
        assert (shared.queue.idle, shared.queue.wanted, shared.streams) == (workers, 0, 0), f"seed {seed}"


def test_prefetched_streams_are_what_they_are_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in SEEDS:
        random = Random(seed)
        lengths = [random.randint(0, 6) for _ in range(5)]
        with monkeypatch.context() as patch:
            make_sleepy(patch, seed, deadline_queue, scheduler, longest=0.001)
            shared = Scheduler(2, load=None, patience=None)
            stack = StreamableStack([Prefetch(chunks=random.randint(1, 3)), Prefetch()])

            def numbers(number: int, length: int) -> Iterator[np.ndarray]:
                for index in range(length):
                    yield np.array([number, index])

            def joined(
                number: int, length: int, leave: int, shared: Scheduler = shared, stack: Any = stack
            ) -> list[tuple[int, ...]]:
                ticket = shared.admit("voice", lambda: float(number))
                stream, chunks = stack.stream(numbers(number, length), {}), []
                while len(chunks) < leave:
                    with ticket.turn():
                        chunk = next(stream, None)
                    if chunk is None:
                        break
                    chunks.append(tuple(int(value) for value in chunk))
                with ticket.turn():
                    stream.close()
                ticket.leave()
                return chunks

            leaves = [random.randint(0, 8) for _ in lengths]
            rows = list(zip(range(5), lengths, leaves, strict=True))
            results = run_together([lambda row=row: joined(*row) for row in rows])
        expected = [[(number, index) for index in range(min(length, leave))] for number, length, leave in rows]
        assert results == expected, f"seed {seed}"
        for _ in range(1000):  # a thread that is at a chunk when its stream is closed ends with it
            if shared.queue.idle == 2:
                break
            threading.Event().wait(0.001)
        assert (shared.queue.idle, shared.queue.wanted) == (2, 0), f"seed {seed}"
