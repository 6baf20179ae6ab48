"""Streams that are closed or full, disks that are full, commands that fail: messages, never tracebacks."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from voxstack import Registry, VoxstackError
from voxstack_cli.input_text import input_text
from voxstack_cli.main import main
from voxstack_cli.output.destinations import open_destinations

Say = Callable[..., int]
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /dev/full")


class Unspeakable(VoxstackError):
    """An error without a text."""

    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


class Dull(Exception):
    """Another one."""

    __str__ = Unspeakable.__str__
    __repr__ = Unspeakable.__str__


def failing(error: BaseException) -> Any:
    def run(options: Any) -> None:
        raise error

    return lambda parser: parser.set_defaults(run=run)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (Unspeakable("x"), "error: Unspeakable (its text cannot be read: RuntimeError)"),
        (Dull(), "error: Dull (its text cannot be read: RuntimeError); --debug shows where"),
        (ZeroDivisionError("a bug"), "error: ZeroDivisionError: a bug; --debug shows where"),
        (OSError(errno.ENOSPC, "No space left on device"), "error: [Errno 28] No space left on device"),
        (VoxstackError("on purpose"), "error: on purpose"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_error_of_a_command_is_one_message(error: BaseException, message: str, capsys: Any) -> None:
    commands = {"fail": failing(error)}
    assert main(["fail"], Registry({}), commands) == 1
    assert capsys.readouterr().err == f"voxstack: {message}\n"
    with pytest.raises(type(error)):
        main(["fail", "--debug"], Registry({}), commands)


@pytest.mark.parametrize("error", [Unspeakable("x"), SystemExit(3), Dull()], ids=lambda error: type(error).__name__)
def test_a_command_that_fails_while_it_is_found_disables_no_other(error: BaseException, capsys: Any) -> None:
    def bad(parser: Any) -> None:
        raise error

    assert main(["good"], Registry({}), {"bad": bad, "good": lambda parser: parser.set_defaults(run=print)}) == 0
    assert "the command 'bad' cannot add its arguments: " in capsys.readouterr().err


def shell(redirections: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ``voxstack`` in a shell that closes or redirects its streams."""
    command = f'exec {sys.executable} -m voxstack_cli "$@" {redirections}'
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run(
        ["sh", "-c", command, "sh", *arguments], capture_output=True, text=True, timeout=120, env=environment
    )


@linux
@pytest.mark.parametrize(
    ("redirections", "arguments", "status", "problem"),
    [
        (">&-", ["say", "a", "--out", "-"], 1, "stdout is closed; give a file"),
        (">&-", ["say", "a", "--json", "-"], 1, "stdout is closed; give a file"),
        ("<&-", ["say", "-", "--raw"], 1, "no text; give one"),
        ("<&-", ["say", "--raw"], 1, "no text; give one"),
        (">&-", ["voices"], 0, ""),
        (">/dev/full", ["--version"], 1, "cannot write to stdout: [Errno 28] No space left on device"),
        (">/dev/full", ["blocks", "--json"], 1, "[Errno 28] No space left on device"),
        ("2>&-", ["say", "a", "--out", "a.txt"], 1, ""),
        ("2>/dev/full", ["say", "a", "--out", "a.txt"], 1, ""),
        ("", ["say", "a", "--out", "/dev/null/a.wav"], 1, "cannot write '/dev/null/a.wav'"),
        ("", ["say", "a", "--out", "a" * 300 + ".wav"], 1, "File name too long"),
    ],
)
def test_streams_that_are_closed_or_full(redirections: str, arguments: list[str], status: int, problem: str) -> None:
    done = shell(redirections, *arguments)
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    assert problem in done.stderr
    if "2>" in redirections:
        assert done.stdout == ""


def test_a_wav_file_is_written_without_stdout(say: Say, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    assert say("a", "--out", str(tmp_path / "a.wav")) == 0
    assert (tmp_path / "a.wav").stat().st_size == 44 + 200


def test_without_stderr_nothing_is_written_to_stdout(say: Say, monkeypatch: Any, capsysbinary: Any) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    assert say("a", "--raw") == 0
    assert len(capsysbinary.readouterr().out) == 200
    assert say("!", "--raw") == 1
    assert capsysbinary.readouterr().out == b""


@linux
def test_a_full_device_is_a_clear_error(say: Say, capsys: Any) -> None:
    assert say("a", "--out", "/dev/full") == 1
    assert "cannot write '/dev/full': No space left on device" in capsys.readouterr().err


def test_files_are_replaced_only_when_all_are_on_the_disk(tmp_path: Path, monkeypatch: Any) -> None:
    synced, files = [], [tmp_path / name for name in ("one", "two")]
    for file in files:
        file.write_bytes(b"older")

    def fsync(number: int) -> None:
        synced.append(number)
        if len(synced) == 2:
            raise OSError(errno.EDQUOT, "Disk quota exceeded")

    monkeypatch.setattr(os, "fsync", fsync)

    def write() -> None:
        with open_destinations(map(str, files)) as opened:
            for file in opened:
                file.write(b"new")

    with pytest.raises(VoxstackError, match=r"cannot write '.*two': Disk quota exceeded"):
        write()
    assert [file.read_bytes() for file in files] == [b"older"] * 2
    assert sorted(tmp_path.iterdir()) == files


@pytest.mark.skipif(sys.platform == "win32", reason="needs RLIMIT_FSIZE")
def test_a_full_disk_leaves_the_older_file(tmp_path: Path) -> None:
    code = (
        "import resource, signal, sys\n"
        "from voxstack_cli.output.destinations import open_destination\n"
        "from voxstack_cli.main import main\n"
        "def run(options):\n"
        "    with open_destination(sys.argv[1]) as file: file.write(bytes(100_000))\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))\n"
        "sys.exit(main(['write'], commands={'write': lambda parser: parser.set_defaults(run=run)}))"
    )
    target = tmp_path / "hello.wav"
    target.write_bytes(b"older")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", code, str(target)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment)
    assert done.returncode == 1
    assert done.stderr.startswith(f"voxstack: error: cannot write '{target}': File too large")
    assert target.read_bytes() == b"older"
    assert list(tmp_path.iterdir()) == [target]


def test_the_permissions_of_an_older_file_stay(say: Say, tmp_path: Path) -> None:
    out = tmp_path / "a.wav"
    out.write_bytes(b"older")
    out.chmod(0o600)
    assert say("a", "--out", str(out)) == 0
    assert out.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", ["a\0b.wav", "\0"])
def test_names_that_no_file_has(name: str, say: Say, capsys: Any) -> None:
    assert say("a", "--out", name) == 1
    assert "a file name has no NUL" in capsys.readouterr().err
    assert say("--file", name, "--raw") == 1
    assert "cannot read" in capsys.readouterr().err
    assert say("\ud800", "--raw") == 1
    assert "the text is not UTF-8" in capsys.readouterr().err


def test_an_addon_that_is_checked_is_reported_where_stdout_is_gone(world: Registry, monkeypatch: Any) -> None:
    def gone(*arguments: Any, **settings: Any) -> None:
        raise BrokenPipeError

    monkeypatch.setattr("builtins.print", gone)
    assert main(["validate", "hummer"], world) == 141


class Stalled:
    """A speaker that accepts a block and then no more."""

    def __init__(self) -> None:
        self.going = threading.Event()
        self.blocks = 0

    def OutputStream(self, **settings: Any) -> Stalled:
        return self

    def start(self) -> None: ...
    def abort(self) -> None: ...
    def close(self) -> None: ...
    def stop(self) -> None: ...
    def write(self, samples: Any) -> None:
        self.blocks += 1
        if self.blocks > 1:
            self.going.wait(60)


@pytest.mark.parametrize("text", ["abc", "a" * 100], ids=["at the end", "in between"])
def test_a_speaker_that_accepts_no_more_is_not_waited_for(text: str, say: Say, monkeypatch: Any, capsys: Any) -> None:
    speaker = Stalled()
    monkeypatch.setitem(sys.modules, "sounddevice", speaker)
    monkeypatch.setattr("voxstack_voice.audio.player.STALL_TIMEOUT", 0.1)
    monkeypatch.setattr("voxstack_voice.audio.player.STOP_TIMEOUT", 0.1)
    assert say(text) == 1
    assert "the speaker has accepted no audio for 0.1 s; check it" in capsys.readouterr().err
    speaker.going.set()


def test_a_speaker_without_a_thread_is_closed(say: Say, monkeypatch: Any, capsys: Any) -> None:
    closed = []
    speaker = Stalled()
    monkeypatch.setattr(speaker, "close", lambda: closed.append(True))
    monkeypatch.setitem(sys.modules, "sounddevice", speaker)

    def no_thread(self: Any) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", no_thread)
    assert say("abc") == 1
    assert "cannot play: can't start new thread" in capsys.readouterr().err
    assert closed == [True]


def test_no_stdin_is_a_clear_error(monkeypatch: Any) -> None:
    import argparse

    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(VoxstackError, match="no text; give one"):
        input_text(argparse.Namespace(text=["-"], file=None, markup="text"))
