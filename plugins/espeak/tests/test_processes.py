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
from voxstack_espeak import Espeak
from voxstack_espeak.library import Library
from voxstack_espeak.pool import Pool
from voxstack_espeak.process import WORKER, Process, command

ADDON = addon(sample_rate=22050, hop_length=220)
LONG = "This is a sentence of a long text. " * 200
LINE = command(Library.found())


@pytest.fixture
def pool() -> Any:
    pool = Pool(LINE, limit=4, spare=2, patience=0.3)
    yield pool
    pool.close()


def speaker(pool: Pool) -> Espeak:
    block = loaded(Espeak(), ADDON)
    block._pool = pool
    return block


def said(block: Espeak, text: str, **controls: Any) -> np.ndarray:
    return np.concatenate(list(block.stream(iter(()), {"text": text, **controls})))


def alive(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    return True


def gone(number: int) -> bool:
    until = time.monotonic() + 20
    while alive(number) and time.monotonic() < until:
        time.sleep(0.01)
    return not alive(number)


def test_thirty_two_threads_say_what_each_says_alone() -> None:
    block = loaded(Espeak(), ADDON)
    voices = "en-us", "de", "fr", "en-gb+f2"
    jobs = [
        (f"This is stream {number}, and it says its own text. One, two, three.", voices[number % 4])
        for number in range(32)
    ]
    alone = [said(block, text, voice=voice) for text, voice in jobs]
    together = threading.Barrier(32)

    def speak(job: tuple[str, str]) -> np.ndarray:
        together.wait()
        return said(block, job[0], voice=job[1])

    with ThreadPoolExecutor(32) as threads:
        for one, other in zip(alone, threads.map(speak, jobs), strict=True):
            np.testing.assert_array_equal(one, other)


def test_processes_are_used_again_and_few_are_kept(pool: Pool) -> None:
    block = speaker(pool)
    with pool.process() as process:
        first = process.number
        list(process.ask({"do": "check", "voice": "en-us"}))
    said(block, "Yes.")
    with pool.process() as process:
        assert process.number == first
    streams = [block.stream(iter(()), {"text": LONG}) for _ in range(4)]
    for stream in streams:
        next(stream)
    assert pool.lent == 4
    for stream in streams:
        stream.close()
    assert pool.lent == 0


def test_a_slow_listener_holds_nobody_up(pool: Pool) -> None:
    block = speaker(pool)
    slow = block.stream(iter(()), {"text": LONG})
    next(slow)
    for _ in range(3):
        assert len(said(block, "Yes."))
    assert pool.lent == 1
    slow.close()


def test_a_listener_that_is_past_the_first_chunk_holds_no_process(pool: Pool) -> None:
    stream = speaker(pool).stream(iter(()), {"text": "This takes some seconds to say, and a moment to make. " * 4})
    next(stream)
    next(stream)
    assert pool.lent == 0
    assert sum(len(chunk) for chunk in stream) > 22050


def test_when_all_are_held_one_more_is_refused_and_then_served(pool: Pool) -> None:
    block = speaker(pool)
    streams = [block.stream(iter(()), {"text": LONG}) for _ in range(4)]
    for stream in streams:
        next(stream)
    with pytest.raises(CapacityError, match="4 streams hold a process each"):
        said(block, "No.")
    streams.pop().close()
    assert len(said(block, "Yes."))
    for stream in streams:
        stream.close()


def test_who_waits_is_served_when_another_closes() -> None:
    pool = Pool(LINE, limit=1, patience=60)
    block = speaker(pool)
    held = block.stream(iter(()), {"text": LONG})
    next(held)
    with ThreadPoolExecutor(1) as thread:
        waiting = thread.submit(said, block, "Yes.")
        time.sleep(0.1)
        assert not waiting.done()
        held.close()
        assert len(waiting.result(60))
    pool.close()


def test_closing_early_ends_the_process(pool: Pool) -> None:
    stream = speaker(pool).stream(iter(()), {"text": LONG})
    next(stream)
    (process,) = pool._lent
    assert alive(process.number)
    stream.close()
    assert not alive(process.number)
    assert pool.lent == 0


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals")
def test_a_crash_is_told_and_the_next_stream_is_well(pool: Pool) -> None:
    block = speaker(pool)
    expected = said(block, "Yes.")
    stream = block.stream(iter(()), {"text": LONG})
    next(stream)
    (process,) = pool._lent
    os.kill(process.number, signal.SIGSEGV)
    with pytest.raises(VoxstackError, match=rf"ended before it was done \(signal {int(signal.SIGSEGV)}\)"):
        list(stream)
    assert pool.lent == 0
    np.testing.assert_array_equal(said(block, "Yes."), expected)


def test_an_idle_process_that_died_is_not_used(pool: Pool) -> None:
    block = speaker(pool)
    expected = said(block, "Yes.")
    (process,) = pool._idle
    process._process.kill()
    process._process.wait()
    np.testing.assert_array_equal(said(block, "Yes."), expected)


def test_where_a_library_stays_loaded_each_utterance_has_its_process() -> None:
    """As with musl, whose dlclose() does nothing."""
    code = "import sys, runpy, _ctypes; _ctypes.dlclose = id; sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"
    pool = Pool([sys.executable, "-c", code, str(WORKER), *Library.found()])
    block, other = speaker(pool), loaded(Espeak(), ADDON)
    numbers = set()
    for text in ("One thing.", "Another thing.", "One thing."):
        np.testing.assert_array_equal(said(block, text), said(other, text))
        (process,) = pool._idle
        numbers.add(process.number)
    assert len(numbers) == 3
    pool.close()


def test_a_process_ends_after_many_requests_and_another_one_takes_its_place() -> None:
    code = (
        "import runpy, sys\n"
        "sys.stdout.reconfigure(write_through=True)\n"
        "runpy.run_path(sys.argv[1], run_name='worker')['serve'](sys.stdin.buffer, sys.stdout.buffer, *sys.argv[2:], 2)"
    )
    pool = Pool([sys.executable, "-c", code, str(WORKER), *Library.found()], spare=1)
    block = speaker(pool)
    numbers = []
    for _ in range(4):
        assert len(said(block, "Yes."))
        numbers += [process.number for process in pool._idle]
    assert len(numbers) == 4
    assert len(set(numbers)) == 3
    pool.close()


def test_no_process_outlives_its_interpreter_however_that_ends() -> None:
    code = (
        "import os, sys, voxstack\n"
        "voice = voxstack.load('espeak')\n"
        "streams = [voice.stream('A long text. ' * 2000) for _ in range(3)]\n"
        "for stream in streams: next(stream)\n"
        "print(*(one.number for one in voice.block.stack[0]._pool._lent), flush=True)\n"
        "os.kill(os.getpid(), 9) if sys.argv[1] == 'killed' else None"
    )
    for how in ("ended", "killed"):
        done = subprocess.run([sys.executable, "-c", code, how], capture_output=True, text=True)
        numbers = [int(number) for number in done.stdout.split()]
        assert len(numbers) == 3, done.stderr
        assert all(gone(number) for number in numbers)


def test_who_interrupts_a_stream_finds_another_process(pool: Pool) -> None:
    block = speaker(pool)
    stream = block.stream(iter(()), {"text": LONG})
    next(stream)
    (process,) = pool._lent
    stream.close()
    (successor,) = pool._idle
    assert successor.number != process.number
    assert len(said(block, "Stop."))
    assert pool._idle == [successor]


def test_a_pool_that_was_closed_keeps_nothing() -> None:
    pool = Pool(LINE)
    stream = speaker(pool).stream(iter(()), {"text": LONG})
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


def test_a_library_that_is_not_there_is_told(tmp_path: Any) -> None:
    with pytest.raises(VoxstackError, match=r"VOXSTACK_ESPEAK_LIBRARY is .*no file"):
        Library.found({"VOXSTACK_ESPEAK_LIBRARY": str(tmp_path / "none.so")})
    (tmp_path / "text.so").write_text("no library")
    assert Library.found({"VOXSTACK_ESPEAK_LIBRARY": str(tmp_path / "text.so")}).data == ""
    for library in (Library(str(tmp_path / "text.so"), ""), Library(Library.found().path, str(tmp_path))):
        process = Process(command(library))
        with pytest.raises(VoxstackError, match=r"espeak-ng cannot be loaded: .*(text\.so|does not find its data)"):
            list(process.ask({"do": "check", "voice": "en-us"}))
        process.end()
