"""Forks of a process that speaks, in five states: the child and the parent both speak on, with the same samples."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable
from random import Random

import numpy as np

import voxstack
from tests.campaign.report import Report
from voxstack import Scheduler
from voxstack_voice import Voice

FULL, SHORT, LIMIT = 300, 6, 60.0

TEXT = "One, two. Three."
STATES = ("before", "after threads", "after asyncio", "while threads speak", "while asyncio speaks")


def run(report: Report, cases: Iterable[int]) -> None:
    """Run the cases."""
    expected = voxstack.load("amber").synthesize(TEXT).samples
    for number, random in report.each(cases):
        state = STATES[number % len(STATES)]
        voice = voxstack.load("amber", scheduler=Scheduler(2, load=None, patience=None), timeout=30.0)
        problem = _in_state(state, random, voice, lambda voice=voice: _speak_all_ways(voice, expected))
        report.count(state)
        if problem:
            report.finding(f"{state}: {problem}")


def _in_state(state: str, random: Random, voice: Voice, check: Callable[[], None]) -> str:
    """Fork in a state; return what went wrong in the child or the parent."""
    if state == "after threads":
        list(voice.stream(TEXT))
    if state == "after asyncio":
        asyncio.run(_astream(voice))
    if state == "while asyncio speaks":
        return asyncio.run(_fork_beside(random, voice, check)) or _problem(check)
    stop, threads = threading.Event(), []
    if state == "while threads speak":
        threads = [threading.Thread(target=_speak_until, args=(voice, stop)) for _ in range(4)]
        for thread in threads:
            thread.start()
        time.sleep(random.random() * 0.1)
    problem = _forked(check)
    stop.set()
    for thread in threads:
        thread.join()
    return problem or _problem(check)


async def _fork_beside(random: Random, voice: Voice, check: Callable[[], None]) -> str:
    tasks = [asyncio.ensure_future(_astream(voice)) for _ in range(4)]
    await asyncio.sleep(random.random() * 0.05)
    child = _fork(lambda: threading.Thread(target=check).run())
    problem = await asyncio.to_thread(_wait, child)
    await asyncio.gather(*tasks)
    return problem


def _speak_until(voice: Voice, stop: threading.Event) -> None:
    while not stop.is_set():
        list(voice.stream(TEXT))


async def _astream(voice: Voice) -> np.ndarray:
    return np.concatenate([chunk.samples async for chunk in voice.astream(TEXT)])


def _speak_all_ways(voice: Voice, expected: np.ndarray) -> None:
    joined = np.concatenate([chunk.samples for chunk in voice.stream(TEXT)])
    assert np.abs(joined - expected).max() < 1e-3, "a stream differs"
    box: list[np.ndarray] = []
    # A thread of its own: a child of a coroutine inherits a running event loop.
    thread = threading.Thread(target=lambda: box.append(asyncio.run(_astream(voice))))
    thread.start()
    thread.join(20)
    assert box, "asyncio hangs or fails"
    assert np.abs(box[0] - expected).max() < 1e-3, "an asyncio stream differs"


def _problem(check: Callable[[], None]) -> str:
    try:
        check()
    except Exception as error:
        return f"in the parent: {error!r}"
    return ""


def _forked(job: Callable[[], None]) -> str:
    return _wait(_fork(job))


def _fork(job: Callable[[], None]) -> int:
    child = os.fork()
    if not child:
        status = 1
        threading.Thread(target=_report_stacks, daemon=True).start()
        try:
            job()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    return child


def _report_stacks(after: float = 15.0) -> None:
    """Write what a child does that does not end; faulthandler hangs in a child whose parent has armed it."""
    time.sleep(after)
    for thread, frame in sys._current_frames().items():
        print(f"thread {thread}", *traceback.format_stack(frame), sep="\n", file=sys.stderr, flush=True)


def _wait(child: int) -> str:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return "" if status == 0 else f"the child failed with status {os.waitstatus_to_exitcode(status)}"
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "the child hung"
