"""The threads that run networks: turns of the scheduler, helpers, errors."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tiny import addon, loaded, network, tensor

from voxstack import NetworkError, Scheduler
from voxstack_customized_encoders.customized_encoders import CustomizedEncoders
from voxstack_customized_encoders.unscheduled import Unscheduled

TOKENS = np.arange(6, dtype=np.float32)
WAIT = 20  # seconds after which a test that hangs has failed


def encoder(source: str, target: str) -> dict[str, Any]:
    return network("encoder", {source: tensor("batch", "tokens")}, {target: tensor("batch", "tokens")})


def independent(runners: dict[str, Callable[[], Any]], device: str = "cpu", **fields: Any) -> CustomizedEncoders:
    """Return a block with one network per runner, each of which acts and then returns the tokens."""

    def runner(name: str, act: Callable[[], Any]) -> Callable[..., Any]:
        def run(tokens: np.ndarray) -> Any:
            act()
            return {name: tokens}

        return run

    named = {name: runner(name, act) for name, act in runners.items()}
    holder = addon(
        [],
        named,
        networks={name: encoder("tokens", name) for name in named},
        contexts={"default": {"runtime": "python", "device": device}},
    )
    return loaded(CustomizedEncoders(**fields), holder)


class Gauge:
    """Counts the threads that compute at the same time."""

    def __init__(self, seconds: float = 0.001) -> None:
        self.now = self.peak = 0
        self.threads: set[int] = set()
        self._seconds, self._lock = seconds, threading.Lock()

    def __call__(self) -> None:
        with self._lock:
            self.now += 1
            self.peak = max(self.peak, self.now)
            self.threads.add(threading.get_ident())
        time.sleep(self._seconds)
        with self._lock:
            self.now -= 1


def in_turn(scheduler: Scheduler, block: CustomizedEncoders, deadline: float = 0.0) -> Any:
    ticket = scheduler.admit("stream", lambda: deadline, refuse=False)
    try:
        with ticket.turn():
            return block({"tokens": TOKENS})
    finally:
        ticket.leave()


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + WAIT
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.001)


def at_rest(scheduler: Scheduler) -> bool:
    """Return whether all turns come back soon."""
    end = time.monotonic() + WAIT
    while scheduler.queue.idle < scheduler.workers and time.monotonic() < end:
        time.sleep(0.001)
    return scheduler.queue.idle == scheduler.workers and not scheduler.queue.wanted


def test_a_stream_uses_a_core_that_is_idle() -> None:
    both_are_in = threading.Barrier(2, timeout=WAIT)
    scheduler = Scheduler(2)
    assert set(in_turn(scheduler, independent({"a": both_are_in.wait, "b": both_are_in.wait}))) == {"a", "b"}
    assert at_rest(scheduler)


def test_without_a_turn_helpers_use_the_other_cores_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    for workers, expected in ((1, 1), (2, 2), (3, 3)):
        unscheduled, gauge = Unscheduled(workers), Gauge(0.02)
        monkeypatch.setattr(Unscheduled, "shared", lambda unscheduled=unscheduled: unscheduled)
        independent(dict.fromkeys("abcdef", gauge))({"tokens": TOKENS})
        assert gauge.peak == expected
        until(lambda unscheduled=unscheduled, workers=workers: unscheduled.idle == workers - 1)


def test_a_thread_that_cannot_start_does_not_count_as_a_helper(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    unscheduled = Unscheduled(3)
    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(RuntimeError, match="can't start"):
        unscheduled.submit(lambda: None)
    assert unscheduled.idle == 2


def test_where_no_core_is_idle_everything_runs_on_the_calling_thread() -> None:
    gauge = Gauge()
    in_turn(Scheduler(1), independent(dict.fromkeys("abcd", gauge)))
    assert (gauge.peak, gauge.threads) == (1, {threading.get_ident()})


def test_what_cannot_run_beside_others_runs_on_the_calling_thread() -> None:
    threads = set()

    def runner(name: str) -> Callable[..., Any]:
        def run(**tensors: np.ndarray) -> Any:
            threads.add(threading.get_ident())
            return {name: next(iter(tensors.values()))}

        return run

    chain = {name: encoder(before, name) for before, name in (("tokens", "a"), ("a", "b"), ("b", "c"))}
    block = loaded(CustomizedEncoders(), addon([], {name: runner(name) for name in chain}, networks=chain))
    in_turn(Scheduler(4), block)
    in_turn(Scheduler(4), independent({"a": lambda: threads.add(threading.get_ident())}))
    assert threads == {threading.get_ident()}


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_many_streams_never_use_more_threads_than_there_are_workers(workers: int) -> None:
    scheduler, gauge, results = Scheduler(workers, load=None, patience=None), Gauge(), []
    block = independent(dict.fromkeys("abcd", gauge))
    streams = [
        threading.Thread(target=lambda: results.extend(in_turn(scheduler, block) for _ in range(5))) for _ in range(8)
    ]
    for stream in streams:
        stream.start()
    for stream in streams:
        stream.join(WAIT)
    assert not any(stream.is_alive() for stream in streams)
    assert [set(result) for result in results] == [set("abcd")] * 40
    assert gauge.peak == workers
    assert at_rest(scheduler)


def test_a_helper_leaves_its_turn_to_a_stream_that_wants_it() -> None:
    scheduler, order = Scheduler(2), []
    helped, wanted = threading.Event(), threading.Event()

    def first() -> None:  # keeps the calling thread away until the other stream has had its turn
        order.append("a")
        other.join(WAIT)

    def second() -> None:
        helped.set()
        wanted.wait(WAIT)
        order.append("b")

    def other_stream() -> None:
        helped.wait(WAIT)
        ticket = scheduler.admit("other", lambda: 5.0, refuse=False)
        threading.Timer(0.05, wanted.set).start()
        with ticket.turn():
            order.append("other")
        ticket.leave()

    other = threading.Thread(target=other_stream)
    other.start()
    in_turn(scheduler, independent({"a": first, "b": second, "c": lambda: order.append("c")}))
    assert order == ["a", "b", "other", "c"]
    assert at_rest(scheduler)


def test_what_an_accelerator_computes_is_waited_for_at_the_same_time_whatever_turns_there_are() -> None:
    all_are_in = threading.Barrier(4, timeout=WAIT)
    scheduler = Scheduler(1)
    assert len(in_turn(scheduler, independent(dict.fromkeys("abcd", all_are_in.wait), "NPU"))) == 4
    gauge = Gauge(0.01)
    in_turn(scheduler, independent(dict.fromkeys("abcd", gauge), "NPU", workers=2))
    assert gauge.peak == 2
    assert at_rest(scheduler)


def test_the_processor_computes_while_an_accelerator_does() -> None:
    both_are_in, threads = threading.Barrier(2, timeout=WAIT), {}

    def runner(name: str) -> Callable[..., Any]:
        def run(tokens: np.ndarray) -> Any:
            threads[name] = threading.get_ident()
            both_are_in.wait()
            return {name: tokens}

        return run

    runners, networks = {name: runner(name) for name in "ab"}, {name: encoder("tokens", name) for name in "ab"}
    placed = {"default": {"runtime": "python", "networks": {"a": "python:npu"}}}
    in_turn(Scheduler(1), loaded(CustomizedEncoders(), addon([], runners, networks=networks, contexts=placed)))
    assert threads["b"] == threading.get_ident() != threads["a"]


def test_an_error_waits_for_what_runs_beside_it_and_nothing_begins_after_it() -> None:
    begun, failed, ended = threading.Event(), threading.Event(), []

    def fail() -> None:
        begun.wait(WAIT)
        failed.set()
        raise ValueError("no luck")

    def slow() -> None:
        begun.set()
        failed.wait(WAIT)
        time.sleep(0.02)
        ended.append("b")

    scheduler = Scheduler(2)
    with pytest.raises(NetworkError, match="network 'a' failed: ValueError: no luck"):
        in_turn(scheduler, independent({"a": fail, "b": slow, "c": lambda: ended.append("c")}))
    assert ended == ["b"]
    assert at_rest(scheduler)


def test_of_two_errors_none_is_lost() -> None:
    both_are_in = threading.Barrier(2, timeout=WAIT)

    def fail() -> None:
        both_are_in.wait()
        raise ValueError("no luck")

    with pytest.raises(NetworkError) as caught:
        in_turn(Scheduler(2), independent({"a": fail, "b": fail}))
    lines = [str(caught.value), *caught.value.__notes__]
    assert sorted(name for name in "ab" for line in lines if f"network {name!r} failed" in line) == ["a", "b"]


def test_an_interrupt_leaves_nothing_running() -> None:
    ended = []

    def interrupt() -> None:
        time.sleep(0.01)
        raise KeyboardInterrupt

    scheduler = Scheduler(2)
    with pytest.raises(KeyboardInterrupt):
        in_turn(scheduler, independent({"a": interrupt, "b": lambda: time.sleep(0.05) or ended.append("b")}))
    assert ended == ["b"]
    assert at_rest(scheduler)


def test_blocks_have_no_threads_of_their_own() -> None:
    scheduler = Scheduler(2)
    for _ in range(20):
        in_turn(scheduler, independent({"a": lambda: None, "b": lambda: time.sleep(0.002)}))
    before = threading.active_count()
    for _ in range(200):
        in_turn(scheduler, independent({"a": lambda: None, "b": lambda: None}))
    gc.collect()
    assert threading.active_count() <= before + scheduler.workers


def test_any_order_gives_the_same() -> None:
    random = np.random.default_rng(0)
    scheduler = Scheduler(3)
    for _ in range(30):
        networks, runners, expected = {}, {}, {"tokens": TOKENS[None]}
        for number in range(int(random.integers(2, 9))):
            name = f"n{number}"
            sources = sorted(
                random.choice([*expected], int(random.integers(1, min(3, len(expected)) + 1)), replace=False)
            )
            pause = float(random.choice([0, 0, 0.001, 0.003]))
            networks[name] = network(
                "encoder", {s: tensor("batch", "tokens") for s in sources}, {name: tensor("batch", "tokens")}
            )
            runners[name] = lambda name=name, pause=pause, **t: time.sleep(pause) or {name: sum(t.values()) * 2 + 1}
            expected[name] = sum(expected[s] for s in sources) * 2 + 1
        shuffled = [str(name) for name in random.permutation([*networks])]
        block = loaded(CustomizedEncoders(shuffled), addon([], runners, networks=networks))
        results = in_turn(scheduler, block)
        assert {name: value.tolist() for name, value in results.items()} == {
            n: v[0].tolist() for n, v in expected.items() if n != "tokens"
        }
    assert at_rest(scheduler)
