from __future__ import annotations

import hashlib
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny import network, tensor

from voxstack import NetworkError, Scheduler
from voxstack.networks import Context, NetworkSpec
from voxstack_batching import MAX_STEPS, BatchingNetwork, voxstack_wrap_network

ROWS = network("decoder", {"frames": tensor("batch", "frames", 2)}, {"mel": tensor("batch", "frames", 2)})
STATEFUL = network(
    "decoder",
    {"frames": tensor("batch", "frames", 2), "state": tensor("batch", 2, "steps"), "end": tensor(1, dtype="int64")},
    {"mel": tensor("batch", "frames", 2), "next": tensor("batch", 2, "next_steps")},
)


def spec_of(config: dict[str, Any]) -> NetworkSpec:
    return NetworkSpec.of("net", config, "digest", Path, False)


def frames(value: float, steps: int = 4, rows: int = 1) -> np.ndarray:
    return np.full((rows, steps, 2), value, np.float32)


class Doubling:
    """A network that doubles its frames, refuses NaNs, records its calls, and waits at gates.

    :param work: bytes that it hashes in every call; other threads run meanwhile, as beside a real network.
    """

    def __init__(self, work: int = 0) -> None:
        self.work = bytes(work)
        self.shapes: list[tuple[int, ...]] = []
        self.values: list[list[float]] = []
        self.gates: dict[float, tuple[threading.Event, threading.Event]] = {}
        self.now = self.peak = 0
        self._lock = threading.Lock()

    def gate(self, value: float) -> tuple[threading.Event, threading.Event]:
        """Return two events for the call with this first value: one set when it has begun, one that it waits for."""
        return self.gates.setdefault(value, (threading.Event(), threading.Event()))

    def __call__(self, frames: np.ndarray, **others: np.ndarray) -> Mapping[str, np.ndarray]:
        with self._lock:
            self.shapes.append(frames.shape)
            self.values.append(frames[:, 0, 0].tolist())
            self.now += 1
            self.peak = max(self.peak, self.now)
        try:
            hashlib.sha256(self.work).digest()
            if frames[0, 0, 0] in self.gates:
                begun, may_end = self.gates[frames[0, 0, 0]]
                begun.set()
                assert may_end.wait(20)
            if np.isnan(frames).any():
                raise NetworkError(f"NaN among {len(frames)}")
            return {
                "mel": 2 * frames,
                **{"next" if name == "state" else name: x + 1 for name, x in others.items() if name != "end"},
            }
        finally:
            with self._lock:
                self.now -= 1


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(64) as pool:
        yield pool


@pytest.fixture
def inner() -> Doubling:
    return Doubling()


@pytest.fixture
def net(inner: Doubling) -> BatchingNetwork:
    return BatchingNetwork(inner, spec_of(ROWS), max_rows=4, lanes=1)


def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds that another thread is about to bring about."""
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline, "it never held"
        time.sleep(0.0005)


def waiting_calls(net: BatchingNetwork) -> int:
    return len(net._in_turn._waiting) + len(net._without_turn._waiting)


def queue_up(pool: ThreadPoolExecutor, net: BatchingNetwork, *calls: Mapping[str, np.ndarray]) -> list[Future[Any]]:
    """Make each call on a thread of its own, one after the other, and return when all of them wait."""
    futures = []
    for tensors in calls:
        count = waiting_calls(net) + 1
        futures.append(pool.submit(lambda tensors=tensors: net(**tensors)))
        until(lambda count=count: waiting_calls(net) == count)
    return futures


@contextmanager
def busy(pool: ThreadPoolExecutor, inner: Doubling, net: BatchingNetwork, value: float = 99.0) -> Iterator[None]:
    """Keep a call running while the block inside runs."""
    begun, may_end = inner.gate(value)
    future = pool.submit(lambda: net(frames=frames(value)))
    assert begun.wait(20)
    try:
        yield
    finally:
        may_end.set()
        assert (future.result(20)["mel"] == 2 * value).all()


def nothing_left(net: BatchingNetwork) -> bool:
    return all(not batcher._waiting and not batcher._running for batcher in (net._in_turn, net._without_turn))


def test_a_call_that_finds_the_network_idle_runs_at_once_as_it_is() -> None:
    inputs = []
    net = BatchingNetwork(lambda frames: inputs.append(frames) or {"mel": frames}, spec_of(ROWS), max_rows=4, lanes=1)
    x = frames(1)
    assert net(frames=x)["mel"] is x
    assert inputs[0] is x
    assert net.stats == {"calls": 1, "apart": 0, "batches": {1: 1}, "failed": 0}


def test_calls_that_come_while_one_runs_are_run_as_one(
    pool: ThreadPoolExecutor, inner: Doubling, net: BatchingNetwork
) -> None:
    with busy(pool, inner, net):
        futures = queue_up(pool, net, *({"frames": frames(value)} for value in (1, 2, 3)))
    for value, future in enumerate(futures, 1):
        np.testing.assert_array_equal(future.result(20)["mel"], frames(2 * value))
    assert inner.values == [[99], [1, 2, 3]]
    assert net.stats == {"calls": 4, "apart": 0, "batches": {1: 1, 3: 1}, "failed": 0}
    assert nothing_left(net)


def test_the_one_that_fills_a_batch_runs_it_at_once(
    pool: ThreadPoolExecutor, inner: Doubling, net: BatchingNetwork
) -> None:
    with busy(pool, inner, net):
        futures = queue_up(pool, net, *({"frames": frames(value)} for value in (1, 2, 3)))
        net(frames=frames(4))
        assert [future.result(20)["mel"][0, 0, 0] for future in futures] == [2, 4, 6]
    assert inner.values == [[99], [4, 1, 2, 3]]
    assert nothing_left(net)


def test_a_batch_beyond_the_lanes_makes_room_for_no_other(
    pool: ThreadPoolExecutor, inner: Doubling, net: BatchingNetwork
) -> None:
    """So waiting calls are not taken in batches as small as they arrive."""
    begun, may_end = inner.gate(4)
    with busy(pool, inner, net):
        full = queue_up(pool, net, *({"frames": frames(value)} for value in (1, 2, 3)))
        full.append(pool.submit(lambda: net(frames=frames(4))))
        assert begun.wait(20)
        late = queue_up(pool, net, {"frames": frames(5)})
        may_end.set()
        assert [future.result(20)["mel"][0, 0, 0] for future in full] == [2, 4, 6, 8]
        late += queue_up(pool, net, {"frames": frames(6)}) if waiting_calls(net) == 1 else []
    assert [future.result(20)["mel"][0, 0, 0] for future in late] == [10, 12]
    assert inner.values == [[99], [4, 1, 2, 3], [5, 6]]


def test_those_that_do_not_fit_together_go_one_after_the_other_the_oldest_first(
    pool: ThreadPoolExecutor, inner: Doubling, net: BatchingNetwork
) -> None:
    with busy(pool, inner, net):
        calls = [(1, 4), (2, 5), (3, 4), (4, 6), (5, 5)]
        futures = queue_up(pool, net, *({"frames": frames(value, steps)} for value, steps in calls))
    assert [future.result(20)["mel"].shape[1] for future in futures] == [steps for _, steps in calls]
    assert inner.values == [[99], [1, 3], [2, 5], [4]]


def test_a_call_of_several_rows_counts_for_as_many_and_gets_them_back(
    pool: ThreadPoolExecutor, inner: Doubling, net: BatchingNetwork
) -> None:
    with busy(pool, inner, net):
        calls = [frames(1, rows=2), frames(2), frames(3, steps=7, rows=3)]
        futures = queue_up(pool, net, *({"frames": x} for x in calls))
    for future, x in zip(futures, calls, strict=True):
        np.testing.assert_array_equal(future.result(20)["mel"], 2 * x)
    assert inner.shapes[1:] == [(3, 4, 2), (3, 7, 2)]
    net(frames=frames(1, rows=4))
    assert net.stats["apart"] == 1, "a call that is a batch by itself has nothing to wait for"


def test_what_does_not_fit_into_a_batch_any_more_waits_for_the_next(
    pool: ThreadPoolExecutor, inner: Doubling, net: BatchingNetwork
) -> None:
    """3 rows wait; 2 more form a batch of 4 with those that fit, and lead it."""
    with busy(pool, inner, net):
        futures = queue_up(pool, net, {"frames": frames(1, rows=2)}, {"frames": frames(2)})
        assert len(net(frames=frames(3, rows=2))["mel"]) == 2
    assert [len(future.result(20)["mel"]) for future in futures] == [2, 1]
    assert inner.values == [[99], [3, 3, 1, 1], [2]]
    assert nothing_left(net)


@pytest.mark.parametrize("ends, batches", [((0, 0), {1: 1, 2: 1}), ((0, 1), {1: 3})])
def test_only_calls_with_equal_inputs_of_no_batch_axis_run_as_one(
    pool: ThreadPoolExecutor, inner: Doubling, ends: tuple[int, int], batches: dict[int, int]
) -> None:
    net = BatchingNetwork(inner, spec_of(STATEFUL), max_rows=4, lanes=1)
    inputs = [
        {"frames": frames(i), "state": np.full((1, 2, 3), i, np.float32), "end": np.array([end])}
        for i, end in enumerate(ends)
    ]
    begun, may_end = inner.gate(99)
    first = pool.submit(lambda: net(**{**inputs[0], "frames": frames(99)}))
    assert begun.wait(20)
    futures = queue_up(pool, net, *inputs)
    may_end.set()
    for number, future in enumerate(futures):
        result = future.result(20)
        np.testing.assert_array_equal(result["mel"], frames(2 * number))
        np.testing.assert_array_equal(result["next"], np.full((1, 2, 3), number + 1))
    first.result(20)
    assert net.stats["batches"] == batches


def test_states_of_another_length_or_type_are_another_batch(pool: ThreadPoolExecutor, inner: Doubling) -> None:
    net = BatchingNetwork(inner, spec_of(STATEFUL), max_rows=4, lanes=1)
    base = {"frames": frames(1), "state": np.zeros((1, 2, 3), np.float32), "end": np.array([0])}
    unlike = [
        base,
        {**base, "state": np.zeros((1, 2, 6), np.float32)},
        {**base, "state": np.zeros((1, 2, 3), np.float64)},
    ]
    with busy_with(pool, inner, net, base):
        futures = queue_up(pool, net, *unlike)
    assert [future.result(20)["next"].shape for future in futures] == [(1, 2, 3), (1, 2, 6), (1, 2, 3)]
    assert net.stats["batches"] == {1: 4}


@contextmanager
def busy_with(
    pool: ThreadPoolExecutor, inner: Doubling, net: BatchingNetwork, inputs: Mapping[str, np.ndarray]
) -> Iterator[None]:
    begun, may_end = inner.gate(99)
    future = pool.submit(lambda: net(**{**inputs, "frames": frames(99)}))
    assert begun.wait(20)
    yield
    may_end.set()
    future.result(20)


def test_large_calls_run_at_the_same_time_whatever_else_runs(
    pool: ThreadPoolExecutor, inner: Doubling, net: BatchingNetwork
) -> None:
    gates = [inner.gate(value) for value in (1, 2)]
    with busy(pool, inner, net):
        futures = [pool.submit(lambda v=value: net(frames=frames(v, MAX_STEPS + 1))) for value in (1, 2)]
        assert all(begun.wait(20) for begun, _ in gates), "one waited for another"
        assert inner.now == 3
        for _, may_end in gates:
            may_end.set()
    assert [future.result(20)["mel"].shape for future in futures] == [(1, MAX_STEPS + 1, 2)] * 2
    assert net.stats == {"calls": 3, "apart": 2, "batches": {1: 1}, "failed": 0}


@pytest.mark.parametrize("steps, apart", [(6, 0), (7, 1)])
def test_a_call_with_many_steps_of_output_is_large(inner: Doubling, steps: int, apart: int) -> None:
    streaming = {"axis": "frames", "left": 0, "right": 0, "hop": 1920}
    codec = network("vocoder", ROWS["inputs"], {"mel": tensor("batch", "samples", 2)}, streaming=streaming)
    net = BatchingNetwork(inner, spec_of(codec), max_rows=4, lanes=1)
    net(frames=frames(1, steps))
    assert net.stats["apart"] == apart


def test_an_error_reaches_only_the_call_at_fault(
    pool: ThreadPoolExecutor, inner: Doubling, net: BatchingNetwork
) -> None:
    with busy(pool, inner, net):
        good, bad, other = queue_up(pool, net, *({"frames": frames(value)} for value in (1, np.nan, 3)))
    with pytest.raises(NetworkError, match="NaN among 1"):
        bad.result(20)
    np.testing.assert_array_equal(good.result(20)["mel"], frames(2))
    np.testing.assert_array_equal(other.result(20)["mel"], frames(6))
    assert net.stats["failed"] == 1
    with pytest.raises(NetworkError, match="NaN among 1"):
        net(frames=frames(np.nan))
    assert nothing_left(net)


def test_a_network_that_takes_no_batches_whatever_it_says_is_run_alone(pool: ThreadPoolExecutor) -> None:
    begun, may_end = threading.Event(), threading.Event()

    def first_row(frames: np.ndarray) -> Mapping[str, np.ndarray]:
        begun.set()
        assert may_end.wait(20)
        return {"mel": 2 * frames[:1]}

    net = BatchingNetwork(first_row, spec_of(ROWS), max_rows=4, lanes=1)
    first = pool.submit(lambda: net(frames=frames(9)))
    assert begun.wait(20)
    futures = queue_up(pool, net, {"frames": frames(1)}, {"frames": frames(2)})
    may_end.set()
    assert [future.result(20)["mel"][0, 0, 0] for future in [first, *futures]] == [18, 2, 4]
    assert net.stats["failed"] == 1


def test_what_the_network_would_refuse_it_refuses_itself(inner: Doubling, net: BatchingNetwork) -> None:
    with pytest.raises(TypeError, match="frames"):
        net()
    with pytest.raises(IndexError):
        net(frames=np.zeros(3, np.float32))
    assert net.stats["apart"] == 2


def interrupted_when(holds: Callable[[], bool]) -> threading.Thread:
    """Start a thread that interrupts the main thread, as Ctrl-C does, as soon as something holds."""
    main = threading.main_thread().ident
    assert main is not None

    def interrupt() -> None:
        until(holds)
        signal.pthread_kill(main, signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    return thread


def test_who_is_interrupted_while_waiting_withdraws(
    pool: ThreadPoolExecutor, inner: Doubling, net: BatchingNetwork
) -> None:
    with busy(pool, inner, net):
        (before,) = queue_up(pool, net, {"frames": frames(1)})
        thread = interrupted_when(lambda: waiting_calls(net) == 2)
        with pytest.raises(KeyboardInterrupt):
            net(frames=frames(2))
        thread.join(20)
        assert waiting_calls(net) == 1
    assert before.result(20)["mel"][0, 0, 0] == 2
    assert inner.values == [[99], [1]]
    assert nothing_left(net)


@pytest.mark.parametrize("leader_too", [False, True])
def test_who_is_interrupted_while_another_runs_its_call_is_waited_for_by_no_one(
    pool: ThreadPoolExecutor, inner: Doubling, leader_too: bool
) -> None:
    begun, may_end = threading.Event(), threading.Event()

    def run(frames: np.ndarray) -> Mapping[str, np.ndarray]:
        if len(frames) > 1:
            begun.set()
            assert may_end.wait(20)
            if leader_too:
                raise KeyboardInterrupt
        return inner(frames)

    net = BatchingNetwork(run, spec_of(ROWS), max_rows=4, lanes=1)
    first_begun, first_may_end = inner.gate(99)
    first = pool.submit(lambda: net(frames=frames(99)))
    assert first_begun.wait(20)
    (leader,) = queue_up(pool, net, {"frames": frames(1)})

    def led() -> bool:
        if waiting_calls(net) == 2:
            first_may_end.set()
        return begun.is_set()

    thread = interrupted_when(led)
    with pytest.raises(KeyboardInterrupt):
        net(frames=frames(2))
    thread.join(20)
    may_end.set()
    assert first.result(20)["mel"][0, 0, 0] == 198
    if leader_too:
        with pytest.raises(KeyboardInterrupt):
            leader.result(20)
    else:
        assert leader.result(20)["mel"][0, 0, 0] == 2
    assert nothing_left(net)
    assert pool.submit(lambda: net(frames=frames(3))).result(20)["mel"][0, 0, 0] == 6


def test_who_is_interrupted_when_it_is_to_lead_leaves_that_to_the_next(
    pool: ThreadPoolExecutor, inner: Doubling, net: BatchingNetwork
) -> None:
    """The main thread releases its only turn while it waits, has to lead, and is interrupted before it gets a turn."""
    scheduler = Scheduler(workers=2)
    begun, may_end = inner.gate(99)
    take, let_go = threading.Barrier(3), threading.Event()

    def hold() -> None:
        with scheduler.admit("other", lambda: -1.0, refuse=False).turn():
            take.wait(20)
            let_go.wait(20)

    def in_turn(value: float) -> Any:
        with scheduler.admit("voice", lambda: 1.0, refuse=False).turn():
            return net(frames=frames(value))

    first = pool.submit(in_turn, 99)
    assert begun.wait(20)

    def then() -> None:
        """Both turns are taken by others when the first call ends and the main thread is to lead."""
        until(lambda: waiting_calls(net) == 1)
        later = pool.submit(in_turn, 2)
        holders.append(pool.submit(hold))
        until(lambda: scheduler.queue.wanted == 2)
        may_end.set()
        take.wait(20)
        until(lambda: any(call.leads for call in led) and scheduler.queue.wanted == 2)
        signal.pthread_kill(main, signal.SIGINT)
        results.append(later)

    main = threading.main_thread().ident
    assert main is not None
    led, results = Spy(net._in_turn), []
    thread = threading.Thread(target=then)
    with scheduler.admit("main", lambda: 0.0, refuse=False).turn():
        holders = [pool.submit(hold)]
        until(lambda: scheduler.queue.wanted == 1)
        thread.start()
        with pytest.raises(KeyboardInterrupt):
            net(frames=frames(1))
    let_go.set()
    thread.join(20)
    (later,) = results
    assert first.result(20)["mel"][0, 0, 0] == 198
    assert later.result(20)["mel"][0, 0, 0] == 4
    for holder in holders:
        holder.result(20)
    assert nothing_left(net)


class Spy(list[Any]):
    """Records the calls that arrive at a batcher."""

    def __init__(self, batcher: Any) -> None:
        arrive = batcher._arrive

        def record(call: Any) -> bool:
            self.append(call)
            return bool(arrive(call))

        batcher._arrive = record


def test_those_that_an_interrupted_leader_has_taken_along_are_run_by_another(
    pool: ThreadPoolExecutor, inner: Doubling
) -> None:
    interrupts = iter([KeyboardInterrupt])

    def run(frames: np.ndarray) -> Mapping[str, np.ndarray]:
        for kind in interrupts if len(frames) > 1 else ():
            raise kind
        return inner(frames)

    net = BatchingNetwork(run, spec_of(ROWS), max_rows=8, lanes=1)
    with busy(pool, inner, net):
        leader, *others = queue_up(pool, net, *({"frames": frames(value)} for value in (1, 2, 3)))
    with pytest.raises(KeyboardInterrupt):
        leader.result(20)
    assert [future.result(20)["mel"][0, 0, 0] for future in others] == [4, 6]
    assert inner.values == [[99], [2, 3]]
    assert nothing_left(net)


def test_while_a_call_waits_its_turn_goes_to_others_and_who_leads_has_one(
    pool: ThreadPoolExecutor, inner: Doubling
) -> None:
    """Of two workers one computes; all other calls pass through the turn of the other and wait while it is wanted."""
    scheduler, net = Scheduler(workers=2), BatchingNetwork(inner, spec_of(ROWS), max_rows=64, lanes=1)

    def stream(value: float) -> float:
        with scheduler.admit("voice", lambda: value, refuse=False).turn():
            return float(net(frames=frames(value))["mel"][0, 0, 0])

    def last() -> None:
        with scheduler.admit("voice", lambda: 1000.0, refuse=False).turn():
            assert waiting_calls(net) == 12
            assert not scheduler.queue.idle
            may_end.set()

    begun, may_end = inner.gate(99)
    first = pool.submit(stream, 99)
    assert begun.wait(20)
    with scheduler.admit("voice", lambda: 0.0, refuse=False).turn():
        futures = [*(pool.submit(stream, value) for value in range(12)), pool.submit(last)]
        until(lambda: scheduler.queue.wanted == 13)
    assert [future.result(20) for future in futures] == [*(2.0 * value for value in range(12)), None]
    assert first.result(20) == 198
    assert net.stats["batches"] == {1: 1, 12: 1}
    assert inner.peak == 1
    until(lambda: scheduler.queue.idle == 2)
    assert nothing_left(net)


def test_a_call_whose_turn_no_other_wants_runs_at_once_with_all_that_wait(
    pool: ThreadPoolExecutor, inner: Doubling
) -> None:
    """No worker is left idle: two streams on two workers never wait for each other."""
    scheduler, net = Scheduler(workers=2), BatchingNetwork(inner, spec_of(ROWS), max_rows=64, lanes=1)

    def stream(value: float) -> float:
        with scheduler.admit("voice", lambda: value, refuse=False).turn():
            return float(net(frames=frames(value))["mel"][0, 0, 0])

    begun, may_end = inner.gate(99)
    first = pool.submit(stream, 99)
    assert begun.wait(20)
    with scheduler.admit("voice", lambda: 0.0, refuse=False).turn():
        futures = [pool.submit(stream, value) for value in range(3)]
        until(lambda: scheduler.queue.wanted == 3)
    assert [future.result(20) for future in futures] == [0, 2, 4]
    assert stream(7) == 14
    assert not first.done()
    may_end.set()
    assert first.result(20) == 198
    assert inner.values == [[99], [2, 0, 1], [7]]
    assert nothing_left(net)


def test_code_without_a_turn_never_waits_for_a_call_that_must_take_one(
    pool: ThreadPoolExecutor, inner: Doubling
) -> None:
    """Streams hold all turns and wait for threads without one; another stream has to lead, and needs a turn."""
    scheduler, net = Scheduler(workers=2), BatchingNetwork(inner, spec_of(ROWS), max_rows=8, lanes=1)
    begun, may_end = inner.gate(99)
    both = threading.Barrier(2)

    def helped(value: float | None) -> float:
        with scheduler.admit("voice", lambda: 0.0, refuse=False).turn():
            if value is not None:
                net(frames=frames(value))
            both.wait(20)
            return float(pool.submit(lambda: net(frames=frames(5))).result(20)["mel"][0, 0, 0])

    def stream() -> float:
        with scheduler.admit("voice", lambda: 9.0, refuse=False).turn():
            until(lambda: scheduler.queue.wanted > 0)
            return float(net(frames=frames(1))["mel"][0, 0, 0])

    first = pool.submit(helped, 99)
    assert begun.wait(20)
    waits = pool.submit(stream)
    until(lambda: scheduler.queue.idle == 0)
    second = pool.submit(helped, None)
    until(lambda: waiting_calls(net) == 1)
    may_end.set()
    assert (first.result(20), second.result(20), waits.result(20)) == (10, 10, 2)
    assert nothing_left(net)


@pytest.mark.parametrize("lanes", [1, 2])
@pytest.mark.parametrize("turns", ["turns", "no turns", "both"])
def test_many_streams_with_calls_of_all_kinds_get_what_is_theirs_and_leave_nothing(lanes: int, turns: str) -> None:
    scheduler, inner = Scheduler(workers=lanes + 1), Doubling(work=100_000)
    net = BatchingNetwork(inner, spec_of(ROWS), max_rows=6, lanes=lanes)
    before, start = threading.active_count(), threading.Barrier(32)

    def calls(seed: int) -> None:
        random = np.random.default_rng(seed)
        for number in range(60):
            rows, steps, fails = (
                int(random.integers(1, 4)),
                int(random.choice([1, 2, 3, MAX_STEPS + 1])),
                random.random() < 0.1,
            )
            x = frames(np.nan if fails else seed + number / 64, steps, rows)
            if fails:
                with pytest.raises(NetworkError, match=f"NaN among {rows}$"):
                    net(frames=x)
            else:
                np.testing.assert_array_equal(net(frames=x)["mel"], 2 * x)

    def stream(seed: int) -> None:
        start.wait(20)
        if turns == "no turns" or (turns == "both" and seed % 2):
            return calls(seed)
        ticket = scheduler.admit("voice", lambda: float(seed), refuse=False)
        with ticket.turn():
            calls(seed)
        return ticket.leave()

    with ThreadPoolExecutor(32) as pool:
        for future in [pool.submit(stream, seed) for seed in range(32)]:
            future.result(60)
    assert net.stats["calls"] == 32 * 60
    assert max(net.stats["batches"]) > 1
    assert nothing_left(net)
    assert (scheduler.queue.idle, scheduler.queue.wanted, scheduler.streams) == (lanes + 1, 0, 0)
    assert turns != "turns" or inner.peak <= lanes + 1, "more computed at once than have a turn"
    assert threading.active_count() == before


def test_the_hook_batches_where_the_context_asks_for_it(inner: Doubling) -> None:
    wrapped = voxstack_wrap_network(inner, spec_of(ROWS), Context(batch=8))
    assert isinstance(wrapped, BatchingNetwork)
    assert voxstack_wrap_network(inner, spec_of(ROWS), Context()) is None


NO_BATCH = network("encoder", {"frames": tensor("frames", 2)}, {"mel": tensor("frames", 2)})
ONE_OUTPUT = network(
    "encoder", {"frames": tensor("batch", "frames")}, {"mel": tensor("batch", "frames"), "mean": tensor(2)}
)
ELSEWHERE = network("encoder", {"frames": tensor("frames", "batch")}, {"mel": tensor("batch", "frames")})
FROM_NOTHING = network("encoder", {"seed": tensor(1, dtype="int64")}, {"mel": tensor("batch", "frames")})


@pytest.mark.parametrize(
    "config", [NO_BATCH, ONE_OUTPUT, ELSEWHERE, FROM_NOTHING], ids=["none", "one output", "elsewhere", "from nothing"]
)
def test_networks_whose_rows_cannot_be_parted_are_left_as_they_are(inner: Doubling, config: dict[str, Any]) -> None:
    assert voxstack_wrap_network(inner, spec_of(config), Context(batch=8)) is None


@pytest.mark.parametrize(("error", "batched"), [(None, True), (0.0, True), (1e-5, True), (2e-5, False)])
def test_networks_that_were_measured_to_give_something_else_in_a_batch_run_alone(
    inner: Doubling, error: float | None, batched: bool
) -> None:
    measured = {} if error is None else {"measured": {"batch_error": error}}
    wrapped = voxstack_wrap_network(inner, spec_of({**ROWS, **measured}), Context(batch=8))
    assert isinstance(wrapped, BatchingNetwork) == batched


@pytest.mark.parametrize(
    ("shapes", "max_rows"),
    [
        ({"batch": (1, 4)}, 4),
        ({"batch": (1, 16)}, 8),
        ({"batch": (1,)}, None),
        ({"frames": (64,)}, None),
        ({"tokens": (64,)}, 8),
    ],
    ids=str,
)
def test_no_more_calls_are_joined_than_fixed_sizes_have_rows(
    inner: Doubling, shapes: dict[str, tuple[int, ...]], max_rows: int | None
) -> None:
    wrapped = voxstack_wrap_network(inner, spec_of(ROWS), Context(batch=8, shapes=shapes))
    assert (wrapped._max_rows if isinstance(wrapped, BatchingNetwork) else wrapped) == max_rows


@pytest.mark.parametrize("device", ["cpu", "CPU", "cuda"])
def test_one_worker_is_left_to_gather_and_accelerators_do_one_thing_at_a_time(inner: Doubling, device: str) -> None:
    wrapped = voxstack_wrap_network(inner, spec_of(ROWS), Context(batch=8, device=device))
    assert isinstance(wrapped, BatchingNetwork)
    assert wrapped._in_turn.lanes == (max(1, Scheduler.shared().workers - 1) if device.lower() == "cpu" else 1)
