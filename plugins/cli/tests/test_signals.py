"""Signals end a command in order: older files stay, and nothing half-written is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from voxstack import Registry
from voxstack_cli import signals
from voxstack_cli.main import main

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals")

PROGRAM = textwrap.dedent("""
    import os, signal, sys, time
    from voxstack_cli.main import main
    from voxstack_cli.output.destinations import open_destinations

    def run(options):
        slow = os.unlink
        def unlink(*arguments, **settings):  # time for another signal
            time.sleep(0.2)
            return slow(*arguments, **settings)
        os.unlink = unlink
        with open_destinations(sys.argv[1:]) as files:
            for file in files:
                file.write(b"new")
                file.flush()
            print("ready", flush=True)
            time.sleep(60)

    def command(parser):
        parser.set_defaults(run=run)

    sys.exit(main(["write"], commands={"write": command}))
""")


def started(*files: Path, ignored: Sequence[signal.Signals] = ()) -> subprocess.Popen[bytes]:
    """Return a process that has written parts of its files."""

    def handle_signals() -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # whatever the tests run under ignores
            signal.signal(number, signal.SIG_IGN if number in ignored else signal.SIG_DFL)

    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", PROGRAM, *map(str, files)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = subprocess.Popen(command, **pipes, env=environment, preexec_fn=handle_signals)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return process


@pytest.mark.parametrize("sent", [["SIGTERM"], ["SIGHUP"], ["SIGINT"], ["SIGTERM", "SIGTERM"], ["SIGINT", "SIGHUP"]])
def test_a_signal_leaves_the_older_files_and_no_parts(sent: list[str], tmp_path: Path) -> None:
    files = [tmp_path / "one.wav", tmp_path / "two.srt"]
    files[0].write_bytes(b"older")
    with started(*files) as process:
        assert len(list(tmp_path.glob("*.part"))) == 2
        for name in sent:
            process.send_signal(signal.Signals[name])
        output, errors = process.communicate(timeout=60)
    assert process.returncode in {128 + signal.Signals[name] for name in sent}  # which of two arrives first is open
    assert (output, errors) == (b"", b"")
    assert files[0].read_bytes() == b"older"
    assert [path.name for path in tmp_path.iterdir()] == ["one.wav"]


TAKEN = textwrap.dedent("""
    import signal, sys, threading, time
    from voxstack_cli.main import main

    def take():  # as the system may let a thread of a library do
        time.sleep(0.3)
        for name in sys.argv[1:]:
            signal.pthread_kill(threading.get_ident(), signal.Signals[name])
        time.sleep(60)

    def run(options):
        threading.Thread(target=take, daemon=True).start()
        time.sleep(60)

    def command(parser):
        parser.set_defaults(run=run)

    sys.exit(main(["wait"], commands={"wait": command}))
""")


@pytest.mark.parametrize("sent", [["SIGTERM"], ["SIGINT"], ["SIGINT", "SIGHUP"]])
def test_a_signal_that_another_thread_takes_ends_what_the_main_thread_waits_for(sent: list[str]) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.run([sys.executable, "-c", TAKEN, *sent], env=environment, timeout=50, capture_output=True)
    assert process.returncode in {128 + signal.Signals[name] for name in sent}
    assert process.stderr == b""


def test_nothing_is_left_of_the_thread_that_sees_to_signals() -> None:
    before, files = signal.set_wakeup_fd(-1), len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    for _ in range(5):
        assert main(["look"], Registry({}), {"look": running([])}) == 0
    end = time.monotonic() + 20
    while any(thread.name == "voxstack-signals" for thread in threading.enumerate()):
        assert time.monotonic() < end
    assert signal.set_wakeup_fd(before) == -1
    if files:
        assert len(os.listdir("/proc/self/fd")) == files


def test_what_nohup_ignores_stays_ignored(tmp_path: Path) -> None:
    with started(tmp_path / "one.wav", ignored=[signal.SIGHUP]) as process:
        process.send_signal(signal.SIGHUP)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM


def running(seen: list[Any]) -> Any:
    def run(options: Any) -> None:
        seen.append(signal.getsignal(signal.SIGTERM))

    return lambda parser: parser.set_defaults(run=run)


def test_handlers_are_restored_and_those_of_a_program_around_stay() -> None:
    seen: list[Any] = []
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)]
    assert main(["look"], Registry({}), {"look": running(seen)}) == 0
    assert seen[0] not in (signal.SIG_DFL, before[0])
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)] == before

    def own(*arguments: Any) -> None: ...

    signal.signal(signal.SIGTERM, own)
    try:
        assert main(["look"], Registry({}), {"look": running(seen)}) == 0
        assert seen[1] is own is signal.getsignal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before[0])


def test_a_command_runs_on_another_thread() -> None:
    seen: list[Any] = []
    statuses: list[int] = []
    command = {"look": running(seen)}
    thread = threading.Thread(target=lambda: statuses.append(main(["look"], Registry({}), command)))
    thread.start()
    thread.join(60)
    assert statuses == [0]
    assert seen == [signal.getsignal(signal.SIGTERM)]


def test_a_later_signal_is_no_repetition(monkeypatch: Any) -> None:
    monkeypatch.setattr(signals, "REPEATED", 0.0)
    with signals.ending_in_order():
        with pytest.raises(signals.Terminated) as end:
            signal.raise_signal(signal.SIGTERM)
        assert (end.value.status, end.value.code) == (143, 143)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
