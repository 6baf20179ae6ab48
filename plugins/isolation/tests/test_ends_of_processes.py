"""The process of isolated networks ends with what hangs, crashes or allocates in it, and with those that use it."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from deadlines import SAFETY, limited
from stopping import stop_process
from tiny import network, tensor

from voxstack import NetworkError
from voxstack.errors import CancelledError
from voxstack.networks import NetworkSpec
from voxstack_isolation.network import IsolatedNetwork

Open = Callable[..., IsolatedNetwork]
X = np.ones((1, 3, 2), np.float32)
TWICE, ENDLESS = np.array(2), np.array(2**62)
LOOP = network(
    "decoder",
    {"frames": tensor("batch", "frames", 2), "trips": tensor(dtype="int64")},
    {"mel": tensor("batch", "frames", 2)},
)


def is_gone(pid: int) -> bool:
    """Return whether a process has ended, and has been waited for if it is a child of this one."""
    return not Path(f"/proc/{pid}").exists()


def has_ended(pid: int) -> bool:
    """Return whether a process has ended, whether it has been waited for or not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True


def wait_until(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + SAFETY
    while not condition():
        assert time.monotonic() < until, "it never came true"
        time.sleep(0.01)


@contextlib.contextmanager
def in_flight(run: IsolatedNetwork, trips: np.ndarray = ENDLESS) -> Iterator[list[Any]]:
    """Have another thread call a network; its result or error is in the list afterwards."""
    results: list[Any] = []

    def call() -> None:
        try:
            results.append(run(frames=X, trips=trips)["mel"])
        except Exception as error:
            results.append(error)

    before = in_use(run)
    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    wait_until(lambda: in_use(run) > before or not thread.is_alive())
    yield results
    thread.join(SAFETY)
    assert results, "the call never returned"


def in_use(run: IsolatedNetwork) -> int:
    """Return the number of connections that calls hold."""
    process = run._host._process
    return 0 if process is None else len(process._connections) - len(process._free)


def cpu_seconds(pid: int | None) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def works(run: IsolatedNetwork) -> bool:
    return bool((run(frames=X, trips=TWICE)["mel"] == X).all())


def test_an_endless_network_ends_with_its_deadline_and_calls_of_others_go_on(loop: IsolatedNetwork) -> None:
    first = loop.pid
    many = np.array(300_000)  # takes longer than the deadline, and ends
    with in_flight(loop, many) as others, limited() as turn:
        turn.miss_soon()
        with pytest.raises(
            NetworkError, match="'loop': ended before it was done, because its stream missed its deadline"
        ):
            loop(frames=X, trips=ENDLESS)
        assert turn.interrupts == []
        with pytest.raises(CancelledError):
            loop(frames=X, trips=TWICE)
    assert isinstance(others[0], np.ndarray), others
    assert works(loop)
    assert first is not None
    assert is_gone(first)
    assert loop.pid != first


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV], ids=lambda number: number.name)
def test_a_process_that_dies_takes_its_calls_with_it_and_the_next_call_gets_another(
    loop: IsolatedNetwork, number: signal.Signals
) -> None:
    starts, pid = loop.stats["process_starts"], loop.pid
    assert pid is not None
    with in_flight(loop) as first, in_flight(loop) as second:
        os.kill(pid, number)
    for error in (*first, *second):
        assert isinstance(error, NetworkError)
        assert f"network 'loop': its process ended ({number.name}) before it was done" in str(error)
        assert "2048 MB are too little for it: raise 'memory'" in str(error)
    assert works(loop)
    assert loop.stats["process_starts"] == starts + 1
    assert is_gone(pid)


def test_a_process_that_died_while_it_was_idle_is_replaced_without_an_error(loop: IsolatedNetwork) -> None:
    pid = loop.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: loop.pid is None)
    assert works(loop)
    assert is_gone(pid)


def test_a_stopped_process_ends_with_the_deadline(loop: IsolatedNetwork) -> None:
    assert loop.pid is not None
    stop_process(loop.pid)
    with limited() as turn:
        turn.miss_soon()
        with pytest.raises(NetworkError, match="missed its deadline"):
            works(loop)
    assert works(loop)


def test_a_call_without_a_deadline_has_a_limit_as_well(loop: IsolatedNetwork, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voxstack_isolation.network.CALL_SECONDS", 0.1)
    with pytest.raises(NetworkError, match=r"'loop': gave nothing within 0\.1 s, and its process was ended"):
        loop(frames=X, trips=ENDLESS)
    monkeypatch.undo()
    assert works(loop)


def test_memory_is_limited_and_what_exceeds_it_is_an_error(open_isolated: Open) -> None:
    fill = open_isolated("fill", memory=700)
    pid = fill.pid
    assert fill(steps=np.array([1000]))["samples"].shape == (1000,)
    with pytest.raises(NetworkError, match=r"network 'fill': out of memory; its process may allocate 700 MB"):
        fill(steps=np.array([200 * 2**20]))
    with pytest.raises(NetworkError, match=r"its outputs have 268435460 bytes.* at most 268435456; pass less at once"):
        fill(steps=np.array([2**26 + 1]))
    assert fill(steps=np.array([1000]))["samples"].shape == (1000,)
    assert fill.pid == pid


def test_a_limit_that_is_too_low_for_anything_is_an_error(open_isolated: Open) -> None:
    with pytest.raises(NetworkError, match=r"network 'neg': (its process ended|.*memory)"):
        open_isolated("neg", memory=24)


def test_the_process_ends_with_the_last_network_of_the_addon(spec_of: Any, folder: Path) -> None:
    class Files:
        def path(self, name: str) -> Path:
            return folder / name

    files = Files()
    neg, loop = (IsolatedNetwork(replace(spec_of(name), path=files.path), _context()) for name in ("neg", "loop"))
    pid = neg.pid
    assert pid == loop.pid is not None
    del neg
    assert works(loop)
    ring = [loop]
    ring.append(ring)
    del loop, ring
    gc.collect()
    wait_until(lambda: is_gone(pid))


def _context() -> Any:
    from voxstack.networks import Context

    return Context(isolate=True)


def test_a_network_that_is_no_longer_needed_is_closed_there(open_isolated: Open, loop: IsolatedNetwork) -> None:
    neg = open_isolated("neg")
    number = neg._number
    del neg
    assert list(loop._host.dropped) == [number]
    assert works(loop)
    assert not loop._host.dropped


SCRIPT = """
import sys
sys.path[:0] = {path!r}
import numpy as np
from pathlib import Path
from voxstack.networks import Context, NetworkSpec
from voxstack_isolation.network import IsolatedNetwork
path = Path({folder!r}).joinpath
loop = IsolatedNetwork(NetworkSpec.of("loop", {config!r}, "d", path, True), Context(isolate=True))
print(loop.pid, flush=True)
if {how!r} == "busy":
    loop(frames=np.ones((1, 3, 2), np.float32), trips=np.array(2**62))
"""


@pytest.mark.parametrize("how", ["exit", "busy"])
def test_the_process_ends_with_its_parent_however_that_ends(how: str, folder: Path) -> None:
    config = {**LOOP, "exports": [{"format": "onnx", "symbol": "loop.onnx"}]}
    code = SCRIPT.format(path=sys.path, folder=str(folder), config=config, how=how)
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    if how == "busy":
        before = cpu_seconds(pid)
        wait_until(lambda: cpu_seconds(pid) > before + 0.03)
        parent.kill()
    assert parent.wait(SAFETY) == (0 if how == "exit" else -signal.SIGKILL)
    parent.stdout.close()
    wait_until(lambda: has_ended(pid))


def test_an_interrupt_ends_a_call_and_its_process(loop: IsolatedNetwork) -> None:
    threading.Timer(0.1, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        loop(frames=X, trips=ENDLESS)
    assert works(loop)


def test_a_forked_child_has_a_process_of_its_own(loop: IsolatedNetwork) -> None:
    pid = loop.pid
    with in_flight(loop) as results:
        child = os.fork()
        if not child:
            with contextlib.suppress(BaseException):
                os._exit(0 if works(loop) and loop.pid not in (None, pid) else 1)
            os._exit(2)
        assert os.waitpid(child, 0)[1] == 0
        assert loop.pid == pid
        assert works(loop)
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
    assert "SIGKILL" in str(results[0])


def test_without_a_thread_or_a_process_it_is_an_error_and_nothing_is_left(
    open_isolated: Open, spec_of: Callable[[str], NetworkSpec], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = replace(spec_of("neg"), path=Path(folder).joinpath)

    def no_thread(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    def no_process(*command: object, **more: object) -> None:
        raise BlockingIOError("fork failed")

    files = len(os.listdir("/proc/self/fd"))
    for target, value, problem in (
        ("threading.Thread.start", no_thread, "no thread can be started"),
        ("subprocess.Popen", no_process, "cannot be started: fork failed"),
        ("voxstack_isolation.network.OPEN_SECONDS", 0, "did not open within 0 s"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(target, value)
            with pytest.raises(NetworkError, match=problem):
                open_isolated("neg", alone)
    gc.collect()
    wait_until(lambda: len(os.listdir("/proc/self/fd")) <= files)
