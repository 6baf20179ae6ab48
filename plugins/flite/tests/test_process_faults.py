"""Processes that stop or cannot be started, streams with deadlines, and texts that take long."""

from __future__ import annotations

import ctypes.util
import errno
import gc
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from stopping import stop_process
from tiny import addon, loaded

from voxstack import CapacityError, RequestError, VoxstackError
from voxstack.errors import CancelledError
from voxstack.streaming.turn import CURRENT_TURN, Turn
from voxstack_flite import process
from voxstack_flite.flite import Flite
from voxstack_flite.process import FliteProcess
from voxstack_flite.sentences import MAX_WEIGHT, split_sentences

pytestmark = pytest.mark.skipif(
    ctypes.util.find_library("flite") is None, reason="Flite's library is not installed: apt install libflite1"
)
posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals and forks")
ADDON = addon(sample_rate=16000, hop_length=160)
LONG = "This is a sentence of some words. " * 50


@pytest.fixture
def flite() -> Any:
    """Return a block with a process of its own."""
    block = loaded(Flite(), ADDON)
    block._process = FliteProcess()
    yield block
    block._process.end()


def synthesized(block: Flite, text: str) -> np.ndarray:
    return np.concatenate(list(block.stream(iter(()), {"text": text})))


@posix
def test_a_stopped_process_ends_its_stream_and_no_other(flite: Flite) -> None:
    expected, worker = synthesized(flite, "Yes."), flite._process
    request = {"voice": "slt", "tokens": [("", "word", "")] * 50, "factors": {}}

    def stop(reply: Any) -> None:
        if worker.silence == 0.5:
            stop_process(worker.pid)
        worker.silence = 0.5  # from the next reply on

    with pytest.raises(VoxstackError, match=r"Flite: its process gave no sign of life for 0\.5 s, and was ended"):
        worker.run(request, stop, lambda: False)
    worker.silence = 20.0
    np.testing.assert_array_equal(synthesized(flite, "Yes."), expected)


@posix
def test_a_process_that_is_stopped_for_a_moment_goes_on(flite: Flite) -> None:
    text = LONG[:300]
    expected = synthesized(flite, text)
    stream = flite.stream(iter(()), {"text": text})
    next(stream)
    stop_process(flite._process.pid)
    threading.Timer(0.1, os.kill, (flite._process.pid, signal.SIGCONT)).start()
    rest = np.concatenate(list(stream))
    np.testing.assert_array_equal(rest, expected[-len(rest) :])


@posix
@pytest.mark.parametrize("number", [signal.SIGSTOP, signal.SIGKILL])
def test_an_idle_process_that_does_not_reply_is_replaced(number: int, flite: Flite, monkeypatch: Any) -> None:
    monkeypatch.setattr(process, "REUSED", 0.01)
    expected = synthesized(flite, "Yes.")
    flite._process._process.poll = lambda: None  # it dies only after it was looked at
    if number == signal.SIGSTOP:
        stop_process(flite._process.pid)
    else:
        os.kill(flite._process.pid, number)
    with ThreadPoolExecutor(2) as threads:
        for samples in threads.map(lambda _: synthesized(flite, "Yes."), range(2)):
            np.testing.assert_array_equal(samples, expected)


@posix
def test_a_process_that_reads_no_request_is_replaced(flite: Flite, monkeypatch: Any) -> None:
    synthesized(flite, "Yes.")
    stop_process(flite._process.pid)
    request = {"voice": "slt", "tokens": [], "factors": {}, "padding": "x" * 1_000_000}
    monkeypatch.setattr(process, "REUSED", 0.01)
    flite._process.run(request, lambda reply: None, lambda: False)
    assert len(synthesized(flite, "Yes."))


def test_a_reply_of_something_else_is_an_error(flite: Flite, monkeypatch: Any) -> None:
    command = [sys.executable, "-c", "print('Hello, world.', flush=True); input()"]
    flite._process.end()
    with monkeypatch.context() as other:
        other.setattr(process, "worker_command", lambda: command)
        with pytest.raises(VoxstackError, match=r"replied b'Hello', which is no reply"):
            synthesized(flite, "Yes.")
    assert len(synthesized(flite, "Yes."))


class LimitedTurn(Turn):
    """A turn of a stream whose deadline is missed as soon as it waits."""

    workers = idle = wanted = 0
    limited = True

    def __init__(self) -> None:
        self.interrupts: list[Callable[[], object]] = []

    def submit(self, job: Any) -> None: ...
    def run(self, job: Any) -> None: ...
    def another(self) -> Any: ...
    def release(self) -> None: ...
    def acquire(self) -> None: ...


def test_a_stream_that_misses_its_deadline_waits_no_longer(flite: Flite) -> None:
    turn = LimitedTurn()

    def miss() -> None:
        while not turn.interrupts:
            time.sleep(0.001)
        turn.interrupts[0]()

    flite._process._turn.acquire()  # another stream never returns it
    token, missing = CURRENT_TURN.set(turn), threading.Thread(target=miss)
    missing.start()
    try:
        with pytest.raises(CancelledError, match="missed its deadline"):
            synthesized(flite, "Yes.")
    finally:
        CURRENT_TURN.reset(token)
        missing.join()
        flite._process._turn.release()
    assert len(synthesized(flite, "Yes."))


def test_what_cannot_be_started_takes_nothing(flite: Flite, monkeypatch: Any) -> None:
    def no_process(*arguments: Any, **settings: Any) -> None:
        raise OSError(errno.EAGAIN, "Resource temporarily unavailable")

    def no_thread(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    for owner, name, replacement in ((subprocess, "Popen", no_process), (threading.Thread, "start", no_thread)):
        with monkeypatch.context() as limits:
            limits.setattr(owner, name, replacement)
            for _ in range(3):
                with pytest.raises(CapacityError, match=r"Flite: .* cannot be started|no thread can be started"):
                    synthesized(flite, "Yes.")
    assert len(synthesized(flite, "Yes."))


def test_an_interpreter_without_a_name_is_an_error(monkeypatch: Any) -> None:
    monkeypatch.setattr(sys, "executable", "")
    with pytest.raises(VoxstackError, match=r"sys\.executable names none"):
        process.worker_command()


def test_a_stream_that_the_collector_closes_stops_flite(flite: Flite) -> None:
    expected = synthesized(flite, "Yes.")
    for _ in range(5):
        cycle: list[Any] = [flite.stream(iter(()), {"text": LONG})]
        cycle.append(cycle)
        next(cycle[0])
    with flite._process._turn:  # as if the collector ran on a thread that holds it
        del cycle
        gc.collect()
    np.testing.assert_array_equal(synthesized(flite, "Yes."), expected)


@posix
def test_a_fork_among_running_streams_speaks_on() -> None:
    code = (
        "import os, threading, voxstack\n"
        "voice = voxstack.load('flite')\n"
        "expected = voice.synthesize('Yes.').samples.tobytes()\n"
        "going = threading.Event()\n"
        "def run():\n"
        "    for chunk in voice.stream('This is a sentence of a long text. ' * 500): going.set()\n"
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


def test_a_sentence_that_is_spelled_is_cut() -> None:
    for token in ("1" * 40, "W" * 40, "x" * 40, "/a" * 20):
        parts = list(split_sentences(f"{token} " * 60))
        assert max(sum(len(token.name) for token in part.tokens) for part in parts) <= MAX_WEIGHT
        assert sum(len(part.tokens) for part in parts) == 60
    (whole,) = split_sentences("sentence " * 60)
    assert len(whole.tokens) == 60


def test_a_text_without_words_is_split_in_linear_time() -> None:
    (sentence,) = split_sentences("Hello" + " -" * 30_000 + " there.")
    assert [token.name for token in sentence.tokens] == ["Hello", "there"]
    assert len(list(split_sentences("Hello - - \n - \n \n - there"))) == 2


@pytest.mark.parametrize("volume", [float("nan"), float("inf"), 1e6])
def test_a_volume_that_is_no_volume_is_refused(flite: Flite, volume: float) -> None:
    with pytest.raises(RequestError, match="Flite: volume is"):
        list(flite.stream(iter(()), {"text": "Yes.", "volume": volume}))
