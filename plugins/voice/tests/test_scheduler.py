from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import wait
from contextlib import suppress

import pytest

from voxstack import CapacityError, Scheduler
from voxstack.streaming.turn import current_turn, waiting
from voxstack_voice.deadline_queue import DeadlineQueue
from voxstack_voice.scheduler import Ticket


def at(scheduler: Scheduler, deadline: float) -> Ticket:
    return scheduler.admit("voice", lambda: deadline, refuse=False)


def queued(scheduler: Scheduler, count: int) -> None:
    """Wait until so many jobs queue."""
    while scheduler.queue.wanted < count:
        time.sleep(0.001)


def test_what_is_missed_first_goes_first() -> None:
    scheduler, order = Scheduler(workers=1), []
    with at(scheduler, 0).turn():
        threads = []
        for count, deadline in enumerate([3.0, 1.0, 2.0], 1):

            def work(deadline: float = deadline) -> None:
                with at(scheduler, deadline).turn():
                    order.append(deadline)

            threads.append(threading.Thread(target=work))
            threads[-1].start()
            queued(scheduler, count)
        futures = [at(scheduler, deadline).submit(lambda d=deadline: order.append(d)) for deadline in (2.5, 0.5)]
    for thread in threads:
        thread.join(10)
    wait(futures, 10)
    assert order == [0.5, 1.0, 2.0, 2.5, 3.0]


def test_no_more_than_the_workers_compute_at_once() -> None:
    scheduler, now, most, lock = Scheduler(workers=2), 0, 0, threading.Lock()

    def work() -> None:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.002)
        with lock:
            now -= 1

    futures = [at(scheduler, i % 7).submit(work) for i in range(40)]
    for i in range(10):
        with at(scheduler, i).turn():
            work()
    assert not wait(futures, 10).not_done
    assert most == 2


def test_who_waits_for_something_lets_others_compute() -> None:
    scheduler, arrived = Scheduler(workers=1), threading.Event()

    def other() -> None:
        arrived.set()

    with at(scheduler, 0).turn():
        future = at(scheduler, 1).submit(other)
        assert not arrived.wait(0.05), "two computed at once"
        with waiting():
            assert arrived.wait(10), "the turn was not given to the other"
            assert current_turn() is None
        assert current_turn() is not None
        assert not scheduler.queue.idle
        future.result(10)
    assert scheduler.queue.idle == 1


def test_waiting_without_a_turn_is_nothing() -> None:
    with waiting():
        assert current_turn() is None


def test_a_job_that_is_cancelled_never_runs_and_takes_nothing() -> None:
    scheduler, ran = Scheduler(workers=1), []
    with at(scheduler, 0).turn():
        future = at(scheduler, 1).submit(lambda: ran.append(1))
        assert future.cancel()
    at(scheduler, 2).submit(lambda: ran.append(2)).result(10)
    assert ran == [2]


def test_an_error_in_a_job_is_its_own() -> None:
    scheduler = Scheduler(workers=1)
    future = at(scheduler, 0).submit(lambda: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        future.result(10)
    assert at(scheduler, 0).submit(lambda: 3).result(10) == 3


def stream(scheduler: Scheduler, voice: str, seconds: float, audio: float) -> None:
    ticket = admitted(scheduler, voice)
    chunk(ticket, seconds, audio)
    ticket.leave()


def chunk(ticket: Ticket, seconds: float, audio: float) -> None:
    """Charge a turn in which a chunk of audio is computed."""
    ticket.add_seconds(seconds)
    ticket.record_audio(audio)
    ticket._learn_from_chunk()


def admitted(scheduler: Scheduler, voice: str, **options: bool) -> Ticket:
    return scheduler.admit(voice, lambda: 0.0, **options)


def test_beyond_what_the_workers_can_do_a_stream_is_refused() -> None:
    scheduler = Scheduler(workers=2, load=0.9)
    stream(scheduler, "slow", 0.5, 1.0)
    running = [admitted(scheduler, "slow") for _ in range(3)]
    for ticket in running:
        chunk(ticket, 0.01, 1.0)
    with pytest.raises(CapacityError, match=r"slow: 3 streams run, and this machine keeps up with no more \(2 workers"):
        admitted(scheduler, "slow")
    assert scheduler.demand() == pytest.approx(1.5)
    admitted(scheduler, "slow", refuse=False).leave()
    running[0].leave()
    running[0].leave()
    admitted(scheduler, "slow").leave()


def test_one_stream_alone_is_never_refused() -> None:
    scheduler = Scheduler(workers=1, patience=0.1)
    stream(scheduler, "slower than real time", 5.0, 1.0)
    ticket = admitted(scheduler, "slower than real time")
    assert scheduler.streams == 1
    ticket.leave()
    assert scheduler.streams == 0


def test_a_burst_is_refused_when_the_first_audio_would_come_too_late() -> None:
    scheduler = Scheduler(workers=1, patience=1.0)
    stream(scheduler, "voice", 0.3, 30.0)
    waiting_streams = [admitted(scheduler, "voice") for _ in range(3)]
    with pytest.raises(
        CapacityError, match=r"3 streams wait for their first audio, and this one would come after 1\.2 s"
    ):
        admitted(scheduler, "voice")
    chunk(waiting_streams[0], 0.3, 0.4)
    admitted(scheduler, "voice").leave()


def test_those_of_a_burst_that_begin_leave_less_for_those_that_wait() -> None:
    workers, patience, first, cost = 2, 2.0, 0.09, 0.04
    scheduler = Scheduler(workers=workers, patience=patience)
    ended = admitted(scheduler, "voice")
    chunk(ended, first, 0.3)
    chunk(ended, cost * 30 - first, 29.7)
    ended.leave()
    waiting_streams = []
    with suppress(CapacityError):
        while len(waiting_streams) < 100:
            waiting_streams.append(admitted(scheduler, "voice"))
    count = len(waiting_streams)
    time, playing, step = 0.0, 0.0, 0.001
    while playing < count:
        playing += step * (workers - cost * playing) / first
        time += step
    assert patience - 0.2 < time <= patience + 0.1  # all at once would have been through after 1.5 s


def test_limits_can_be_lifted() -> None:
    scheduler = Scheduler(workers=1, load=None, patience=None)
    stream(scheduler, "voice", 2.0, 1.0)
    for ticket in [admitted(scheduler, "voice") for _ in range(50)]:
        ticket.leave()
    assert scheduler.demand() == 0


def test_speed_is_what_the_voice_takes_shared_with_those_that_wait() -> None:
    scheduler = Scheduler(workers=2)
    assert admitted(scheduler, "voice").speed() == 0, "nothing is known of the voice"
    first = admitted(scheduler, "voice")
    chunk(first, 0.02, 0.4)
    assert first.speed() == pytest.approx(20), "the first chunk is all that is known"
    chunk(first, 0.01, 1.0)
    assert first.speed() == pytest.approx(100)
    first.leave()
    second = admitted(scheduler, "voice")
    chunk(second, 0.02, 0.4)
    assert second.speed() == pytest.approx(1.4 / 0.03), (
        "a first chunk, with the text in it, says less than the stream before"
    )
    chunk(second, 0.5, 1.0)
    assert second.speed() == pytest.approx(2), "slower counts at once"
    with at(scheduler, 0).turn(), at(scheduler, 0).turn():
        jobs = [at(scheduler, 1).submit(lambda: None) for _ in range(6)]
        assert second.speed() == pytest.approx(2 / 4), "six wait for two workers"
    wait(jobs, 10)


def turn_at_once(ticket: Ticket, other: Callable[[], None]) -> None:
    other()
    with ticket.turn():
        raise AssertionError("had a turn while another had the only one")


def turn_after_waiting(ticket: Ticket, other: Callable[[], None]) -> None:
    with ticket.turn(), waiting():
        other()


@pytest.mark.parametrize("queueing", [turn_at_once, turn_after_waiting])
def test_whoever_is_interrupted_leaves_no_turn_behind_and_takes_none_twice(queueing: Callable[..., None]) -> None:
    """Ctrl-C in the main thread while it queues for a turn."""
    scheduler = Scheduler(workers=1)
    mine, other = at(scheduler, 1.0), at(scheduler, 0.0)
    go, taken = threading.Event(), threading.Event()

    def hold() -> None:
        with other.turn():
            taken.set()
            queued(scheduler, 1)
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
            assert go.wait(10)

    thread = threading.Thread(target=hold)
    with pytest.raises(KeyboardInterrupt):
        queueing(mine, lambda: (thread.start(), taken.wait(10)))
    assert scheduler.queue.wanted == 0
    go.set()
    thread.join(10)
    assert (scheduler.queue.idle, scheduler.queue.wanted) == (1, 0)


def test_a_job_that_fails_gives_its_turn_back() -> None:
    turns, done = DeadlineQueue(1), threading.Event()

    def fails() -> None:
        raise RuntimeError("a bug")

    turns.submit(0.0, fails)
    turns.submit(1.0, done.set)
    assert done.wait(20)
    turns.acquire(2.0)
    turns.release()
    assert turns.idle == 1
