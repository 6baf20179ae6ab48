from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from tiny import addon, loaded

from voxstack import CapacityError, VoxstackError
from voxstack.streaming.turn import CURRENT_TURN, Turn
from voxstack_espeak.espeak import Espeak
from voxstack_espeak.library_paths import LibraryPaths
from voxstack_espeak.process import WORKER, EspeakProcess, worker_command
from voxstack_espeak.process_pool import ProcessPool

ADDON = addon(sample_rate=22050, hop_length=220)
LONG = "This is a sentence of a long text. " * 200
COMMAND = worker_command(LibraryPaths.find())


@pytest.fixture
def pool() -> Any:
    pool = ProcessPool(COMMAND, limit=4, spare=2, patience=0.3)
    yield pool
    pool.close()


def espeak_with(pool: ProcessPool) -> Espeak:
    block = loaded(Espeak(), ADDON)
    block._pool = pool
    return block


def synthesized(block: Espeak, text: str, **controls: Any) -> np.ndarray:
    return np.concatenate(list(block.stream(iter(()), {"text": text, **controls})))


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def gone(pid: int) -> bool:
    until = time.monotonic() + 20
    while alive(pid) and time.monotonic() < until:
        time.sleep(0.01)
    return not alive(pid)


def ended(process: EspeakProcess) -> bool:
    """Return whether a process ends; a stream that is closed does not wait for that."""
    until = time.monotonic() + 20
    while not process.gone and time.monotonic() < until:
        time.sleep(0.001)
    return process.gone


def test_thirty_two_threads_say_what_each_says_alone() -> None:
    block = loaded(Espeak(), ADDON)
    voices = "en-us", "de", "fr", "en-gb+f2"
    jobs = [
        (f"This is stream {number}, and it says its own text. One, two, three.", voices[number % 4])
        for number in range(32)
    ]
    alone = [synthesized(block, text, voice=voice) for text, voice in jobs]
    together = threading.Barrier(32)

    def run(job: tuple[str, str]) -> np.ndarray:
        together.wait()
        return synthesized(block, job[0], voice=job[1])

    with ThreadPoolExecutor(32) as threads:
        for expected, samples in zip(alone, threads.map(run, jobs), strict=True):
            np.testing.assert_array_equal(samples, expected)


def test_processes_are_used_again_and_few_are_kept(pool: ProcessPool) -> None:
    block = espeak_with(pool)
    with pool.process() as process:
        first = process.pid
        list(process.run({"do": "check", "voice": "en-us"}))
    synthesized(block, "Yes.")
    with pool.process() as process:
        assert process.pid == first
    streams = [block.stream(iter(()), {"text": LONG}) for _ in range(4)]
    for stream in streams:
        next(stream)
    assert pool.lent == 4
    for stream in streams:
        stream.close()
    assert pool.lent == 0


def test_a_slow_listener_holds_nobody_up(pool: ProcessPool) -> None:
    block = espeak_with(pool)
    slow = block.stream(iter(()), {"text": LONG})
    next(slow)
    for _ in range(3):
        assert len(synthesized(block, "Yes."))
    assert pool.lent == 1
    slow.close()


def test_a_listener_that_is_past_the_first_chunk_holds_no_process(pool: ProcessPool) -> None:
    stream = espeak_with(pool).stream(iter(()), {"text": "This takes some seconds to say, and a moment to make. " * 4})
    next(stream)
    next(stream)
    assert pool.lent == 0
    assert sum(len(chunk) for chunk in stream) > 22050


def test_when_all_are_held_one_more_is_refused_and_then_served(pool: ProcessPool) -> None:
    block = espeak_with(pool)
    streams = [block.stream(iter(()), {"text": LONG}) for _ in range(4)]
    for stream in streams:
        next(stream)
    with pytest.raises(CapacityError, match="4 streams hold a process each"):
        synthesized(block, "No.")
    streams.pop().close()
    assert len(synthesized(block, "Yes."))
    for stream in streams:
        stream.close()


def test_who_waits_is_served_when_another_closes() -> None:
    pool = ProcessPool(COMMAND, limit=1, patience=60)
    block = espeak_with(pool)
    held = block.stream(iter(()), {"text": LONG})
    next(held)
    with ThreadPoolExecutor(1) as thread:
        waiter = thread.submit(synthesized, block, "Yes.")
        time.sleep(0.1)
        assert not waiter.done()
        held.close()
        assert len(waiter.result(60))
    pool.close()


def test_closing_early_ends_the_process(pool: ProcessPool) -> None:
    stream = espeak_with(pool).stream(iter(()), {"text": LONG})
    next(stream)
    (process,) = pool._lent
    assert alive(process.pid)
    stream.close()
    assert ended(process)
    assert not alive(process.pid)
    assert pool.lent == 0


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals")
def test_a_crash_is_told_and_the_next_stream_is_well(pool: ProcessPool) -> None:
    block = espeak_with(pool)
    expected = synthesized(block, "Yes.")
    stream = block.stream(iter(()), {"text": LONG})
    next(stream)
    (process,) = pool._lent
    os.kill(process.pid, signal.SIGSEGV)
    with pytest.raises(VoxstackError, match=rf"ended before it was done \(signal {int(signal.SIGSEGV)}\)"):
        list(stream)
    assert pool.lent == 0
    np.testing.assert_array_equal(synthesized(block, "Yes."), expected)


def test_an_idle_process_that_died_is_not_used(pool: ProcessPool) -> None:
    block = espeak_with(pool)
    expected = synthesized(block, "Yes.")
    (process,) = pool._idle
    process._process.kill()
    process._process.wait()
    np.testing.assert_array_equal(synthesized(block, "Yes."), expected)


def test_where_a_library_stays_loaded_each_utterance_has_its_process() -> None:
    """As with musl, whose dlclose() has no effect."""
    code = (
        "import sys, runpy, _ctypes; _ctypes.dlclose = id; sys.argv = sys.argv[1:]; "
        "runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    pool = ProcessPool([sys.executable, "-c", code, str(WORKER), *LibraryPaths.find()])
    block, other = espeak_with(pool), loaded(Espeak(), ADDON)
    pids = set()
    for text in ("One thing.", "Another thing.", "One thing."):
        np.testing.assert_array_equal(synthesized(block, text), synthesized(other, text))
        (process,) = pool._idle
        pids.add(process.pid)
    assert len(pids) == 3
    pool.close()


def test_a_process_ends_after_many_requests_and_another_one_takes_its_place() -> None:
    code = (
        "import runpy, sys\n"
        "sys.stdout.reconfigure(write_through=True)\n"
        "runpy.run_path(sys.argv[1], run_name='worker')['serve'](sys.stdin.buffer, sys.stdout.buffer, *sys.argv[2:], 2)"
    )
    pool = ProcessPool([sys.executable, "-c", code, str(WORKER), *LibraryPaths.find()], spare=1)
    block = espeak_with(pool)
    pids = []
    for _ in range(4):
        assert len(synthesized(block, "Yes."))
        pids += [process.pid for process in pool._idle]
    assert len(pids) == 4
    assert len(set(pids)) == 3
    pool.close()


def test_no_process_outlives_its_interpreter_however_that_ends() -> None:
    code = (
        "import os, sys, voxstack\n"
        "voice = voxstack.load('espeak')\n"
        "streams = [voice.stream('A long text. ' * 2000) for _ in range(3)]\n"
        "for stream in streams: next(stream)\n"
        "print(*(process.pid for process in voice.block.stack[0]._pool._lent), flush=True)\n"
        "os.kill(os.getpid(), 9) if sys.argv[1] == 'killed' else None"
    )
    for how in ("ended", "killed"):
        done = subprocess.run([sys.executable, "-c", code, how], capture_output=True, text=True)
        pids = [int(pid) for pid in done.stdout.split()]
        assert len(pids) == 3, done.stderr
        assert all(gone(pid) for pid in pids)


def test_who_interrupts_a_stream_finds_another_process(pool: ProcessPool) -> None:
    block = espeak_with(pool)
    stream = block.stream(iter(()), {"text": LONG})
    next(stream)
    (process,) = pool._lent
    stream.close()
    (successor,) = pool._idle
    assert successor.pid != process.pid
    assert len(synthesized(block, "Stop."))
    assert pool._idle == [successor]


def test_a_pool_that_was_closed_keeps_nothing() -> None:
    pool = ProcessPool(COMMAND)
    stream = espeak_with(pool).stream(iter(()), {"text": LONG})
    next(stream)
    pool.close()
    stream.close()
    assert not pool._idle
    assert pool.lent == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork()")
def test_a_fork_has_processes_of_its_own() -> None:
    code = (
        "import os, voxstack\n"
        "voice = voxstack.load('espeak')\n"
        "expected = voice.synthesize('Yes.').samples.tobytes()\n"
        "child = os.fork()\n"
        "if child == 0: os._exit(0 if voice.synthesize('Yes.').samples.tobytes() == expected else 1)\n"
        "assert voice.synthesize('Yes.').samples.tobytes() == expected\n"
        "assert os.waitpid(child, 0)[1] == 0\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")


class InterruptedTurn(Turn):
    """A turn whose owner is interrupted while it waits to have it back."""

    workers = idle = wanted = 0

    def submit(self, job: Any) -> None: ...
    def run(self, job: Any) -> None: ...
    def another(self) -> Any: ...
    def release(self) -> None: ...
    def acquire(self) -> None:
        raise KeyboardInterrupt


def test_an_interrupt_while_a_turn_is_awaited_leaks_no_process(pool: ProcessPool) -> None:
    assert len(synthesized(espeak_with(pool), "Yes."))
    idle = [*pool._idle]
    token = CURRENT_TURN.set(InterruptedTurn())
    try:
        for _ in range(pool.limit + 1):
            with pytest.raises(KeyboardInterrupt), pool.process():
                pass
    finally:
        CURRENT_TURN.reset(token)
    assert pool.lent == 0
    assert pool._idle == idle


def test_an_interrupt_while_a_process_ends_leaks_no_slot(pool: ProcessPool, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = espeak_with(pool).stream(iter(()), {"text": LONG})
    next(stream)
    (process,) = pool._lent
    end = process.end

    def interrupted() -> None:
        end()
        raise KeyboardInterrupt

    monkeypatch.setattr(process, "end", interrupted)
    with pytest.raises(KeyboardInterrupt):
        stream.close()
    assert pool.lent == 0
    assert len(synthesized(espeak_with(pool), "Yes."))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork()")
def test_a_fork_neither_reads_nor_holds_nor_counts_the_processes_of_its_parent() -> None:
    code = (
        "import os, voxstack\n"
        "text = 'This is a sentence of a long text. ' * 200\n"
        "voice = voxstack.load('espeak')\n"
        "expected = voice.synthesize(text).samples.tobytes()\n"
        "pool, stream = voice.block.stack[0]._pool, voice.stream(text)\n"
        "chunks = [next(stream)]\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    try: list(stream)\n"
        "    except voxstack.BlockError as error: refused = 'ended before it was done' in str(error)\n"
        "    else: refused = False\n"
        "    os._exit(0 if refused and pool.lent == 0 and not pool._lent else 1)\n"
        "assert os.waitpid(child, 0)[1] == 0\n"
        "chunks += stream\n"
        "assert b''.join(chunk.samples.tobytes() for chunk in chunks) == expected\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork()")
def test_a_process_does_not_outlive_its_interpreter_in_a_fork() -> None:
    code = (
        "import os, voxstack\n"
        "voice = voxstack.load('espeak')\n"
        "stream = voice.stream('A long text. ' * 2000)\n"
        "next(stream)\n"
        "(process,) = voice.block.stack[0]._pool._lent\n"
        "child = os.fork()\n"
        "if child == 0: os.close(1), os.close(2), os.read(0, 1), os._exit(0)\n"
        "print(process.pid, flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    reading, writing = os.pipe()  # the child lives until the test closes it
    try:
        done = subprocess.run([sys.executable, "-c", code], stdin=reading, capture_output=True, text=True, timeout=120)
        assert gone(int(done.stdout)), done.stderr
    finally:
        os.close(writing)
        os.close(reading)


def test_a_library_that_is_not_there_is_told(tmp_path: Any) -> None:
    with pytest.raises(VoxstackError, match=r"VOXSTACK_ESPEAK_LIBRARY is .*not a file"):
        LibraryPaths.find({"VOXSTACK_ESPEAK_LIBRARY": str(tmp_path / "none.so")})
    (tmp_path / "text.so").write_text("no library")
    assert LibraryPaths.find({"VOXSTACK_ESPEAK_LIBRARY": str(tmp_path / "text.so")}).data == ""
    for paths in (
        LibraryPaths(str(tmp_path / "text.so"), ""),
        LibraryPaths(LibraryPaths.find().library, str(tmp_path)),
    ):
        process = EspeakProcess(worker_command(paths))
        with pytest.raises(VoxstackError, match=r"espeak-ng cannot be loaded: .*(text\.so|does not find its data)"):
            list(process.run({"do": "check", "voice": "en-us"}))
        process.end()
