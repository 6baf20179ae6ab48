"""The clock of work, and the file that each thread keeps for it."""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Callable

import pytest

from voxstack_voice import work_clock as module
from voxstack_voice.work_clock import work_clock

linux = pytest.mark.skipif(not os.path.exists(module._SCHEDSTAT), reason="this system does not report waits")


@pytest.fixture(autouse=True)
def no_file_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_THREADS", module._Threads())


def on_a_thread(job: Callable[[], object]) -> None:
    thread = threading.Thread(target=job)
    thread.start()
    thread.join()


def handles() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_it_passes_as_time_does_at_most() -> None:
    began, work = time.perf_counter(), work_clock()
    while time.perf_counter() - began < 0.2:  # the kernel accounts for waiting in steps
        sum(range(20_000))
    worked, elapsed = work_clock() - work, time.perf_counter() - began
    assert 0 < worked <= elapsed


@linux
def test_it_stands_still_while_a_thread_waits_for_a_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    waited = iter([b"10 0 1\n", b"20 3000000000 2\n"])
    monkeypatch.setattr(os, "pread", lambda *_: next(waited))
    began = work_clock()
    assert work_clock() - began == pytest.approx(-3.0, abs=0.1)


@linux
def test_the_file_of_a_thread_ends_with_it() -> None:
    work_clock()
    before = handles()
    for _ in range(20):
        on_a_thread(lambda: [work_clock() for _ in range(3)])
    assert handles() == before


@linux
@pytest.mark.parametrize("content", [b"", b"1", b"x y z", OSError(errno.EBADF, "closed")])
def test_a_file_that_the_program_closed_or_used_again_is_left_alone(
    content: bytes | OSError, monkeypatch: pytest.MonkeyPatch
) -> None:
    work_clock()

    def read(*_: object) -> bytes:
        if isinstance(content, OSError):
            raise content
        return content

    monkeypatch.setattr(os, "pread", read)
    first = work_clock()
    closed: list[int] = []
    monkeypatch.setattr(module._RunDelays.__del__, "__defaults__", (closed.append,))
    assert work_clock() >= first
    module._THREADS.after_fork()
    assert closed == []


def test_without_a_file_it_is_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(os, "open", full)
    assert work_clock() == pytest.approx(time.perf_counter(), abs=0.5)


@linux
def test_a_forked_child_reads_a_file_of_its_own() -> None:
    work_clock()
    before = module._THREADS.own.delays
    child = os.fork()
    if not child:
        work_clock()
        os._exit(0 if module._THREADS.own.delays is not before else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert module._THREADS.own.delays is before
