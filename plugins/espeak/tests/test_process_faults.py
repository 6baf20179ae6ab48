"""Processes that stop, die or cannot be started, streams that the garbage collector closes, and forks."""

from __future__ import annotations

import errno
import gc
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from stopping import stop_process
from tiny import addon, loaded

from voxstack import CapacityError, VoxstackError
from voxstack.errors import CancelledError
from voxstack.streaming.turn import CURRENT_TURN, Turn
from voxstack_espeak import process_pool
from voxstack_espeak.bell import Bell
from voxstack_espeak.espeak import Espeak
from voxstack_espeak.library_paths import LibraryPaths
from voxstack_espeak.phonemes import EspeakPhonemes
from voxstack_espeak.process import EspeakProcess, worker_command
from voxstack_espeak.process_pool import ProcessPool

ADDON = addon(sample_rate=22050, hop_length=220)
LONG = "This is a sentence of a long text. " * 200
COMMAND = worker_command(LibraryPaths.find())
SILENT = "import time; time.sleep(600)"
posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals and forks")


@pytest.fixture
def pool() -> Any:
    pool = ProcessPool(COMMAND, limit=4, spare=2, patience=20)
    yield pool
    pool.close()


def espeak_with(pool: ProcessPool) -> Espeak:
    block = loaded(Espeak(), ADDON)
    block._pool = pool
    return block


def synthesized(block: Espeak, text: str) -> np.ndarray:
    return np.concatenate(list(block.stream(iter(()), {"text": text})))


def ended(process: EspeakProcess) -> bool:
    until = time.monotonic() + 20
    while not process.gone and time.monotonic() < until:
        time.sleep(0.001)
    return process.gone


def begun(pool: ProcessPool, text: str = LONG) -> tuple[Any, EspeakProcess]:
    """Return a stream that has yielded a chunk, and its process."""
    stream = espeak_with(pool).stream(iter(()), {"text": text})
    next(stream)
    (lent,) = pool._lent
    return stream, lent


@posix
def test_a_stopped_process_ends_its_stream_and_no_other(pool: ProcessPool) -> None:
    block = espeak_with(pool)
    expected = synthesized(block, "Yes.")
    stream, stopped = begun(pool)
    stopped._silence = stopped._pipes.silence = 0.5
    stop_process(stopped.pid)
    with pytest.raises(VoxstackError, match=r"gave no sign of life for 0\.5 s, and was ended"):
        list(stream)
    assert pool.lent == 0
    np.testing.assert_array_equal(synthesized(block, "Yes."), expected)


@posix
@pytest.mark.parametrize("number", [signal.SIGSTOP, signal.SIGKILL])
def test_an_idle_process_that_does_not_reply_is_replaced(number: int, pool: ProcessPool, monkeypatch: Any) -> None:
    expected = synthesized(espeak_with(pool), "Yes.")
    (idle,) = pool._idle
    monkeypatch.setattr(type(idle), "ready", property(lambda self: self._done))  # it dies only after it was looked at
    idle._silence = 1.0
    if number == signal.SIGSTOP:
        stop_process(idle.pid)
    else:
        os.kill(idle.pid, number)
    np.testing.assert_array_equal(synthesized(espeak_with(pool), "Yes."), expected)
    assert ended(idle)
    assert pool.lent == 0


@posix
def test_a_process_that_is_stopped_for_a_moment_goes_on(pool: ProcessPool) -> None:
    text = LONG[: len(LONG) // 4]
    expected = synthesized(espeak_with(pool), text)
    stream, stopped = begun(pool, text)
    stop_process(stopped.pid)
    threading.Timer(0.1, os.kill, (stopped.pid, signal.SIGCONT)).start()
    rest = np.concatenate(list(stream))
    np.testing.assert_array_equal(rest, expected[-len(rest) :])


@posix
def test_a_process_that_reads_no_request_ends_its_stream(pool: ProcessPool) -> None:
    silent = EspeakProcess([sys.executable, "-c", SILENT], silence=0.2)
    with pytest.raises(VoxstackError, match="no sign of life"):
        list(silent.run({"do": "check", "voice": "x" * 1_000_000}))
    with pytest.raises(VoxstackError, match=r"ended before it was done \(signal 9\)"):
        list(silent.run({"do": "check", "voice": "en-us"}))
    silent.end()


def test_a_reply_of_something_else_is_an_error() -> None:
    other = EspeakProcess([sys.executable, "-c", "print('Hello, world.', flush=True); input()"])
    with pytest.raises(VoxstackError, match=r"replied b'Hello', which is no reply"):
        list(other.run({"do": "check", "voice": "en-us"}))
    other.end()


class LimitedTurn(Turn):
    """A turn of a stream with a deadline."""

    workers = idle = wanted = 0
    limited = True

    def __init__(self) -> None:
        self.interrupts: list[Callable[[], object]] = []
        self.missed = False

    @property
    def cancelled(self) -> bool:
        return self.missed

    def submit(self, job: Any) -> None: ...
    def run(self, job: Any) -> None: ...
    def another(self) -> Any: ...
    def release(self) -> None: ...
    def acquire(self) -> None: ...


def test_a_stream_that_misses_its_deadline_waits_no_longer() -> None:
    turn, silent = LimitedTurn(), EspeakProcess([sys.executable, "-c", SILENT])

    def miss() -> None:
        while not turn.interrupts:
            time.sleep(0.001)
        turn.missed = True
        turn.interrupts[0]()

    token = CURRENT_TURN.set(turn)
    missing = threading.Thread(target=miss)
    missing.start()
    try:
        with pytest.raises(CancelledError):
            list(silent.run({"do": "check", "voice": "en-us"}))
    finally:
        CURRENT_TURN.reset(token)
        missing.join()
    assert not turn.interrupts
    silent.end()


def test_a_process_that_cannot_be_started_takes_nothing(pool: ProcessPool, monkeypatch: Any) -> None:
    block = espeak_with(pool)

    def refused(*arguments: Any, **settings: Any) -> None:
        raise OSError(errno.EAGAIN, "Resource temporarily unavailable")

    with monkeypatch.context() as limits:
        limits.setattr(subprocess, "Popen", refused)
        for _ in range(pool.limit + 1):
            with pytest.raises(CapacityError, match=r"no process can be started .*unavailable.*ulimit -u"):
                synthesized(block, "Yes.")
    assert pool.lent == 0
    stream, _ = begun(pool)
    with monkeypatch.context() as limits:
        limits.setattr(subprocess, "Popen", refused)
        stream.close()  # no successor
    assert pool.lent == 0
    assert len(synthesized(block, "Yes."))


def test_an_interpreter_without_a_name_is_an_error(monkeypatch: Any) -> None:
    monkeypatch.setattr(sys, "executable", None)
    with pytest.raises(VoxstackError, match=r"sys\.executable names none"):
        worker_command(LibraryPaths.find())


def test_closing_a_stream_waits_for_nothing(pool: ProcessPool, monkeypatch: Any) -> None:
    """As it may be the garbage collector that closes it, on any thread."""
    streams = [begun(ProcessPool(COMMAND, limit=1, spare=1))[0], begun(pool)[0]]

    def failing(*arguments: Any, **settings: Any) -> Any:
        raise AssertionError("a finalizer waits")

    monkeypatch.setattr(subprocess.Popen, "wait", failing)
    monkeypatch.setattr(time, "sleep", failing)
    for stream in streams:
        stream.close()
    assert pool.lent == 0


def test_a_stream_that_is_closed_while_its_own_thread_waits_wakes_it() -> None:
    pool = ProcessPool(COMMAND, limit=1, patience=20)
    held: list[Any] = [begun(pool)[0]]
    waited = pool._bell.wait

    def collected(seconds: float, unless: Callable[[], bool]) -> bool:
        def close_and_check() -> bool:  # as if the garbage collector ran on the waiting thread
            if held:
                held.pop().close()
            return False

        return waited(seconds, close_and_check)

    pool._bell.wait = collected  # type: ignore[method-assign]
    assert len(synthesized(espeak_with(pool), "Yes."))
    pool.close()


def test_a_bell_wakes_all_and_none_twice() -> None:
    bell, woken = Bell(), []
    threads = [threading.Thread(target=lambda: woken.append(bell.wait(20, lambda: False))) for _ in range(3)]
    for thread in threads:
        thread.start()
    while len(bell._waiting) < 3:
        time.sleep(0.001)
    bell.ring()
    for thread in threads:
        thread.join(20)
    assert woken == [True] * 3
    assert not bell.wait(0.001, lambda: False)
    assert bell.wait(20, lambda: True)
    bell.ring()


def test_streams_in_cycles_that_the_collector_closes_leave_nothing(pool: ProcessPool, monkeypatch: Any) -> None:
    monkeypatch.setattr(process_pool, "COLLECT_AFTER", 0.02)  # all processes may be held by cycles
    block, errors = espeak_with(pool), []
    expected = synthesized(block, "Yes.")

    def run() -> None:
        try:
            for number in range(4):
                cycle: list[Any] = [block.stream(iter(()), {"text": LONG if number % 2 else "Yes."})]
                cycle.append(cycle)
                next(cycle[0])
                del cycle
                np.testing.assert_array_equal(synthesized(block, "Yes."), expected)
        except BaseException as error:
            errors.append(error)

    threshold = gc.get_threshold()
    gc.set_threshold(20)
    try:
        threads = [threading.Thread(target=run) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert not any(thread.is_alive() for thread in threads)
    finally:
        gc.set_threshold(*threshold)
    gc.collect()
    assert not errors
    assert pool.lent == 0
    assert not pool._lent


@posix
def test_a_fork_among_running_streams_speaks_on() -> None:
    code = (
        "import os, threading, voxstack\n"
        "voice = voxstack.load('espeak')\n"
        "expected = voice.synthesize('Yes.').samples.tobytes()\n"
        "going, streams = threading.Event(), []\n"
        "def run():\n"
        "    stream = voice.stream('This is a sentence of a long text. ' * 500)\n"
        "    streams.append(stream)\n"
        "    for chunk in stream: going.set()\n"
        "threads = [threading.Thread(target=run, daemon=True) for _ in range(3)]\n"
        "for thread in threads: thread.start()\n"
        "going.wait()\n"
        "child = os.fork()\n"
        "said = voice.synthesize('Yes.').samples.tobytes()\n"
        "if child == 0: os._exit(0 if said == expected else 1)\n"
        "assert said == expected\n"
        "assert os.waitpid(child, 0)[1] == 0\n"
        "os._exit(0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_long_text_has_its_phonemes_in_parts() -> None:
    block = loaded(EspeakPhonemes(), ADDON)
    one = block({"text": "One, two."})["phonemes"]
    assert block({"text": "One, two. " * 120})["phonemes"] == one * 120


def test_phonemes_of_a_voice_that_has_gone_are_refused() -> None:
    block = loaded(EspeakPhonemes(), ADDON)
    block._phonemizer = replace(block._phonemizer, voice="klingonish")
    with pytest.raises(VoxstackError, match="EspeakPhonemes: espeak-ng has no voice 'klingonish'"):
        block({"text": "One."})
