"""Clauses on concurrency: one block serves many utterances at once, on any thread."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import numpy as np

from voxstack.blocks import Block, StreamableBlock, children
from voxstack.errors import describe
from voxstack.streaming.schedule import Schedule
from voxstack.testing.cases import Case, call, joined
from voxstack.testing.comparing import are_equal, describe_difference
from voxstack.testing.feeding import cut
from voxstack.testing.judging import presume
from voxstack.testing.running import check_is_deterministic, check_runs_on_its_case

SECONDS = 60.0
"""Longest wait for threads that run the block."""


def check_keeps_nothing_of_an_utterance(case: Case) -> None:
    """Require that nothing on the block changes while it runs: state belongs in the generator."""
    presume(case, check_runs_on_its_case)
    before = _state(case.block)
    case.exercise()
    with contextlib.suppress(Exception):  # another input, of which nothing is known but that it is another
        text = case.utterance.get("text")
        other = case.own_utterance(**({"text": f"{text} {text}"} if isinstance(text, str) else {}))
        if isinstance(case.block, StreamableBlock):
            joined(list(case.block.stream(cut(case.frames(48), [11], copy=True), other)))
        else:
            call(case.block, other)
    changed = [name for name, value in _state(case.block).items() if name not in before or before[name] != value]
    assert not changed, (
        f"running the block changed its attributes {changed}; keep what belongs to an utterance in local variables"
    )


def check_keeps_streams_apart(case: Case) -> None:
    """Require that streams of one block which take turns, chunk by chunk, do not disturb each other."""
    presume(case, check_runs_on_its_case, check_is_deterministic, check_keeps_nothing_of_an_utterance)
    alone, other = _chunks(case), case.frames()[::-1] * np.float32(0.5)
    if not np.issubdtype(case.frames().dtype, np.floating):
        other = case.frames()[::-1]
    disturbing = case.streamable.stream(cut(other, [11], copy=True), _utterance(case))
    made = []
    for chunk in case.streamable.stream(cut(case.frames(), [8], copy=True), _utterance(case)):
        made.append(np.array(chunk))
        next(disturbing, None)
    with contextlib.suppress(Exception):  # another clause reports streams that cannot be closed
        disturbing.close()  # type: ignore[attr-defined]
    assert are_equal(made, alone), "two streams that take turns disturb each other; keep state in local variables"


def check_moves_between_threads(case: Case) -> None:
    """Require that a stream may be pulled by another thread at each chunk, as a scheduler does."""
    presume(case, check_runs_on_its_case, check_is_deterministic, check_keeps_streams_apart)
    stream = case.streamable.stream(cut(case.frames(), [8], copy=True), _utterance(case))
    made: list[np.ndarray] = []
    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(1) as two:
        for turn in range(10**9):
            try:
                chunk = (one, two)[turn % 2].submit(next, stream, None).result(SECONDS)
            except Exception as error:
                problem = f"fails when another thread pulls the next chunk: {describe(error)}"
                raise AssertionError(f"{problem}; hold no lock and nothing of a thread over a yield") from error
            if chunk is None:
                break
            made.append(np.array(chunk))
    advice = "keep state in local variables, not in threading.local()"
    assert are_equal(made, _chunks(case)), f"gives something else when threads take turns at the stream; {advice}"


def check_runs_on_many_threads(case: Case) -> None:
    """Require the same output while four threads run the block at the same time."""
    clauses = [check_runs_on_its_case, check_is_deterministic, check_keeps_nothing_of_an_utterance]
    streamable = isinstance(case.block, StreamableBlock)
    presume(case, *clauses, *([check_keeps_streams_apart] if streamable else []))
    run: Callable[[], Any] = (
        (lambda: _chunks(case)) if streamable else (lambda: dict(call(case.block, _utterance(case))))
    )
    began = time.monotonic()
    expected = run()
    results = on_threads(run, 4, 2 if time.monotonic() - began < 0.2 else 1)
    if any(isinstance(result, BaseException) for result in results):
        error = next(result for result in results if isinstance(result, BaseException))
        raise AssertionError(f"fails on several threads at once: {describe(error)}") from error
    wrong = sum(not _equal_results(result, expected, case.tolerance) for result in results)
    assert not wrong, f"{wrong} of {len(results)} runs on four threads at once give something else; share no buffers"


def on_threads(run: Callable[[], Any], count: int, times: int) -> list[Any]:
    """Return the results, or errors, of ``times`` runs on each of ``count`` threads that begin at once."""
    results: list[Any] = []
    start = threading.Barrier(count)

    def work() -> None:
        start.wait()
        for _ in range(times):
            try:
                results.append(run())
            except BaseException as error:
                results.append(error)

    threads = [threading.Thread(target=work, daemon=True) for _ in range(count)]
    with _quick_switches():
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(SECONDS)
    if any(thread.is_alive() for thread in threads):
        raise AssertionError(f"several threads at once are not done after {SECONDS:g} s: they wait for each other")
    return results


@contextmanager
def _quick_switches() -> Iterator[None]:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        yield
    finally:
        sys.setswitchinterval(interval)


def _equal_results(one: Any, other: Any, tolerance: float) -> bool:
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_equal_results(one[name], other[name], tolerance) for name in one)
    if tolerance and isinstance(one, np.ndarray):
        return not describe_difference(one, other, tolerance)
    if tolerance and isinstance(one, list):
        return len(one) == len(other) and all(map(_equal_results, one, other, [tolerance] * len(one)))
    return are_equal(one, other)


def _utterance(case: Case) -> dict[str, Any]:
    return case.own_utterance(schedule=Schedule(first=5, growth=1.0))


def _chunks(case: Case) -> list[np.ndarray]:
    return case.chunks([8], schedule=Schedule(first=5, growth=1.0))


class _Identity:
    """A value that equals only itself; it is kept, so that no other one takes its place in memory."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Identity) and other._value is self._value

    __hash__ = None  # type: ignore[assignment]


def _state(block: Block) -> dict[str, Any]:
    """Return the attributes of a block and its children, to compare: arrays and containers by value, others not."""
    return {
        f"{path}.{name}".lstrip("."): _held(value) for path, b in _placed(block, "") for name, value in vars(b).items()
    }


def _held(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.shape, value.dtype.str, value.tobytes()
    if isinstance(value, list | tuple | set | frozenset):
        return type(value), [_held(item) for item in value]
    if isinstance(value, dict):
        return [(key, _held(item)) for key, item in value.items()]
    return _Identity(value)


def _placed(block: Block, path: str) -> Iterator[tuple[str, Block]]:
    yield path, block
    for child_path, child in children(block, path):
        yield from _placed(child, child_path)
