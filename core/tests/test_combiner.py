"""The combiner: jobs of concurrent callers in common batches."""

from __future__ import annotations

import threading
import time
from random import Random

import pytest
from interleaving import SEEDS, make_sleepy, run_together

from voxstack.streaming import combiner
from voxstack.streaming.combiner import Combiner, Job


class Steps(Job):
    """A job of some steps; its caller comes back with the same job for more."""

    def __init__(self, key: object = None, rows: int = 1) -> None:
        super().__init__()
        self.rows, self.wanted, self.run_steps, self.failed = rows, 0, 0, False
        self.running = 0
        self._key = key

    @property
    def key(self) -> object:
        return self._key

    @property
    def done(self) -> bool:
        return self.wanted == 0 or self.failed


class StepCombiner(Combiner[Steps]):
    """Runs one step of each job per round, and records what must never happen."""

    def __init__(self, max_rows: int, lanes: int = 1) -> None:
        super().__init__(max_rows, lanes)
        self.faults: list[str] = []
        self.largest = 0

    def run(self, batch: list[Steps]) -> None:
        if len({id(job) for job in batch}) < len(batch):
            self.faults.append("a job twice in one batch")
        if len({job.key for job in batch}) > 1:
            self.faults.append("jobs of different keys in one batch")
        if sum(job.rows for job in batch) > self.max_rows and len(batch) > 1:
            self.faults.append("more rows than a batch has")
        for job in batch:
            job.running += 1
            if job.running > 1:
                self.faults.append("a job in two batches")
            if job.done:
                self.faults.append("a job that is done")
        self.largest = max(self.largest, len(batch))
        while not self.arrived:
            for job in batch:
                job.run_steps += 1
                job.wanted -= 1
            if any(job.done for job in batch):
                break
        for job in batch:
            job.running -= 1


@pytest.mark.parametrize("lanes", [1, 3])
def test_every_job_gets_its_steps_under_forced_interleavings(lanes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    largest = 0
    for seed in SEEDS:
        random = Random(seed)
        max_rows = random.randint(1, 6)
        calls = [[random.randint(1, 5) for _ in range(random.randint(1, 6))] for _ in range(10)]
        with monkeypatch.context() as patch:
            make_sleepy(patch, seed, combiner, longest=0.001)
            combined = StepCombiner(max_rows, lanes)
            jobs = [Steps(key=random.randint(0, 1), rows=random.randint(1, 2)) for _ in calls]

            def run(job: Steps, wanted: list[int], combined: StepCombiner = combined) -> None:
                for steps in wanted:
                    job.wanted = steps
                    combined(job)
                    assert job.done

            results = run_together([lambda job=job, w=w: run(job, w) for job, w in zip(jobs, calls, strict=True)])
        assert results == [None] * len(jobs), f"seed {seed}"
        assert not combined.faults, f"seed {seed}"
        assert [job.run_steps for job in jobs] == [sum(wanted) for wanted in calls], f"seed {seed}"
        assert not combined._waiting
        assert not combined._running
        largest = max(largest, combined.largest)
    assert largest > 1


def test_a_lone_job_waits_for_no_other() -> None:
    combined, job = StepCombiner(8), Steps()
    job.wanted = 3
    combined(job)
    assert (job.run_steps, combined.largest) == (3, 1)


def test_a_caller_that_is_interrupted_withdraws_its_job() -> None:
    entered, go = threading.Event(), threading.Event()

    class Slow(StepCombiner):
        def run(self, batch: list[Steps]) -> None:
            entered.set()
            go.wait(10)
            super().run(batch)

    class Interrupted(Steps):
        """A job whose caller is interrupted as soon as it waits."""

        def __init__(self) -> None:
            super().__init__()
            lock = self.woken
            self.woken = type("Woken", (), {"acquire": staticmethod(self._interrupt), "release": lock.release})()

        @staticmethod
        def _interrupt() -> None:
            raise KeyboardInterrupt

    combined, first, second = Slow(4), Steps(), Interrupted()
    first.wanted = second.wanted = 1
    leader = threading.Thread(target=combined, args=(first,))
    leader.start()
    assert entered.wait(10)
    with pytest.raises(KeyboardInterrupt):
        combined(second)
    assert not combined._waiting
    go.set()
    leader.join(10)
    assert (first.run_steps, second.run_steps) == (1, 0)


def test_a_leader_that_fails_hands_over() -> None:
    entered = threading.Event()

    class Failing(StepCombiner):
        def run(self, batch: list[Steps]) -> None:
            if batch[0].rows == 2:
                entered.set()
                while len(self._waiting) < 6:
                    time.sleep(0.001)
                raise MemoryError
            super().run(batch)

    combined, results = Failing(4), []
    jobs = [Steps(rows=2), *(Steps() for _ in range(6))]
    for job in jobs:
        job.wanted = 2

    def lead() -> None:
        try:
            combined(jobs[0])
        except MemoryError as error:
            results.append(error)

    leader = threading.Thread(target=lead)
    leader.start()
    assert entered.wait(10)
    assert run_together([lambda job=job: combined(job) for job in jobs[1:]], timeout=10) == [None] * 6
    leader.join(10)
    assert len(results) == 1
    assert all(job.run_steps == 2 for job in jobs[1:])
