"""Worker processes that stop or cannot be started, files that cannot be written, errors without a text."""

from __future__ import annotations

import errno
import os
import queue
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from stopping import stop_process

from voxstack import RequestError, VoxstackError
from voxstack_bench.commands.options import check_output, print_progress, write_output
from voxstack_bench.complete_file import write_complete_file
from voxstack_bench.golden.golden_checks import describe_error
from voxstack_bench.process import worker as worker_module
from voxstack_bench.process.worker import Worker, WorkerError

posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals")


@posix
@pytest.mark.parametrize("size", [10, 1_000_000])
def test_a_stopped_process_is_not_waited_for(size: int, monkeypatch: Any) -> None:
    """A request of more than a pipe holds cannot even be written."""
    monkeypatch.setattr(worker_module, "ENDING", 0.2)
    with Worker(timeout=0.3) as worker:
        stop_process(worker._process.pid)
        with pytest.raises(WorkerError, match=r"no reply to 'speak' within 0\.3 s"):
            worker.call("speak", text="x" * size, controls={})
        with pytest.raises(WorkerError, match="ended during 'facts' with signal SIGKILL"):
            worker.call("facts")


@posix
def test_a_stopped_process_ends_with_its_worker(monkeypatch: Any) -> None:
    monkeypatch.setattr(worker_module, "ENDING", 0.2)
    with Worker() as worker:
        stop_process(worker._process.pid)
    assert worker._process.poll() == -signal.SIGKILL


def test_a_worker_that_cannot_be_started_leaves_nothing(monkeypatch: Any) -> None:
    started: list[Any] = []
    popen = subprocess.Popen

    def no_process(*arguments: Any, **settings: Any) -> Any:
        raise OSError(errno.EAGAIN, "Resource temporarily unavailable")

    def no_thread(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    def recorded(*arguments: Any, **settings: Any) -> Any:
        started.append(popen(*arguments, **settings))
        return started[-1]

    with monkeypatch.context() as limits:
        limits.setattr(subprocess, "Popen", no_process)
        with pytest.raises(WorkerError, match=r"no worker process can be started .*unavailable.*ulimit -u"):
            Worker()
    monkeypatch.setattr(subprocess, "Popen", recorded)
    monkeypatch.setattr(threading.Thread, "start", no_thread)
    with pytest.raises(WorkerError, match=r"no worker process can be started \(can't start new thread\)"):
        Worker()
    assert started[0].poll() is not None


@pytest.mark.parametrize("line", ["nonsense\n", "[1]\n", "{}\n", '{"error": "x"}\n'])
def test_a_reply_of_something_else_is_an_error(line: str) -> None:
    with Worker() as worker:
        worker._replies = queue.SimpleQueue()
        worker._replies.put(line)
        with pytest.raises(WorkerError, match="replied to 'facts' with something else"):
            worker.call("facts")


def test_a_result_file_is_the_older_one_or_the_whole_new_one(tmp_path: Path, monkeypatch: Any, capsys: Any) -> None:
    file = tmp_path / "result.json"
    check_output(str(file))
    assert not list(tmp_path.iterdir())
    file.write_text("older")
    file.chmod(0o600)

    def full(number: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(os, "fsync", full)
        with pytest.raises(
            RequestError, match=r"cannot write .*result\.json.: No space left on device; check the folder"
        ):
            write_output({"a": float("nan")}, str(file), lambda: ["the table"])
    assert capsys.readouterr().out == "the table\n"  # which took minutes to measure
    assert file.read_text() == "older"
    write_output({"a": float("nan")}, str(file), lambda: ["the table"])
    assert file.read_text() == '{\n "a": null\n}\n'
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [file]


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none" / "x", tmp_path / ("x" * 300)):
        with pytest.raises(RequestError, match=r"cannot write .*(folder|No such file|too long)"):
            check_output(str(path))
    (tmp_path / "link").symlink_to("real")
    write_complete_file(tmp_path / "link", "text")
    assert (tmp_path / "real").read_text() == "text"
    if Path("/dev/null").exists():
        check_output("/dev/null")
        write_complete_file(Path("/dev/null"), "text")
        assert not Path("/dev/null").is_file()


def test_an_error_without_a_text_is_described() -> None:
    class Unspeakable(VoxstackError):
        def __str__(self) -> str:
            raise RuntimeError("no text")

    assert describe_error(Unspeakable("x")) == "Unspeakable (its text cannot be read: RuntimeError)"
    assert describe_error(VoxstackError("x")) == "x"
    assert describe_error(ValueError("x")) == "ValueError('x')"


def test_progress_needs_no_stderr(monkeypatch: Any, capsys: Any) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    print_progress("a line")
    assert capsys.readouterr().out == ""
