"""Output destinations, playback and progress, and what remains of them after an error."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import voxstack
from voxstack import Registry
from voxstack_cli.main import main

Say = Callable[..., int]


@pytest.mark.parametrize(("text", "status"), [("ab!", 1), ("ab^", 130)])
def test_an_older_file_stays_and_nothing_half_written_is_left(
    text: str, status: int, say: Say, tmp_path: Path, capsys: Any
) -> None:
    out = tmp_path / "hello.wav"
    out.write_bytes(b"older")
    assert say(text, "--out", str(out)) == status
    assert out.read_bytes() == b"older"
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["hello.wav"]
    error = capsys.readouterr().err
    assert error == ("voxstack: error: stack[0]: Hum: NetworkError: the network failed\n" if status == 1 else "")


def test_a_bug_in_a_block_names_the_block_and_leaves_nothing(say: Say, tmp_path: Path, capsys: Any) -> None:
    assert say("ab#", "--out", str(tmp_path / "hello.wav")) == 1
    assert capsys.readouterr().err == "voxstack: error: stack[0]: Hum: ZeroDivisionError: a bug\n"
    assert not [path for path in tmp_path.iterdir() if path.is_file()]


@pytest.mark.parametrize("place", ["before", "after"])
def test_debug_shows_the_traceback_of_an_error(place: str, world: Registry) -> None:
    argv = ["say", "a!", "--raw", "--voice", "hummer"]
    with pytest.raises(Exception, match="the network failed"):
        main(["--debug", *argv] if place == "before" else [*argv, "--debug"], world)


def test_a_machine_that_is_full_says_so_and_leaves_nothing(
    world: Registry, write_addon: Any, tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(voxstack.Scheduler.shared(), "load", 0.9)
    controls = {name: {"type": "number", "default": 1.0} for name in ("rate", "volume")}
    folder = write_addon("slow", stack=[{"type": "Hum"}], controls=controls)
    voice = voxstack.load(folder, registry=world)
    assert len(list(voice.stream("ss"))) == 2  # as slow as all cores together, so there is room for one stream
    running = voice.stream("abc")
    next(running)
    assert main(["say", "abc", "--voice", str(folder), "--out", str(tmp_path / "hello.wav")], world) == 1
    running.close()
    assert capsys.readouterr().err.startswith(
        "voxstack: error: slow: 1 streams run, and this machine keeps up with no more"
    )
    assert not [path for path in tmp_path.iterdir() if path.is_file()]


def test_a_link_keeps_pointing_to_the_file(say: Say, tmp_path: Path) -> None:
    (tmp_path / "real.wav").write_bytes(b"older")
    (tmp_path / "link.wav").symlink_to("real.wav")
    assert say("a", "--out", str(tmp_path / "link.wav")) == 0
    assert (tmp_path / "link.wav").is_symlink()
    assert (tmp_path / "real.wav").read_bytes()[:4] == b"RIFF"


@pytest.mark.parametrize(
    ("name", "more", "problem"),
    [
        ("hello.txt", [], "no audio format has the extension '.txt'; use .wav; .flac, .mp3"),
        ("hello.wav", ["--raw"], "would have no WAV header"),
        ("", [], "it is a folder; give a file"),
        ("nowhere/hello.wav", [], "there is no folder"),
    ],
)
def test_places_that_are_refused_before_the_voice_is_loaded(
    name: str, more: list[str], problem: str, tmp_path: Path, capsys: Any
) -> None:
    assert main(["say", "a", "--out", os.path.join(tmp_path, name), *more], Registry({})) == 1
    assert problem in capsys.readouterr().err


def test_a_terminal_gets_no_samples(say: Say, monkeypatch: Any, capsys: Any) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert say("a", "--raw") == 1
    assert "stdout is a terminal" in capsys.readouterr().err


@pytest.mark.skipif(not Path("/dev/null").exists(), reason="needs /dev/null")
def test_a_device_is_written_and_not_replaced(say: Say) -> None:
    assert say("a", "--out", os.devnull) == 0
    assert not Path(os.devnull).is_file()


@pytest.mark.parametrize(("what", "first"), [("sound", b"RIFF"), ("words", b"word")])
def test_a_reader_that_goes_away_ends_it_quietly(what: str, first: bytes) -> None:
    script = """
        import sys, voxstack
        import numpy as np
        from voxstack_cli.output.audio_writer import audio_writer
        from voxstack_cli.output.destinations import open_destination
        from voxstack_cli.main import main

        def sound(options):
            with open_destination("-") as file, audio_writer(file, "-", 8000, raw=False) as write:
                while True:
                    write(voxstack.Chunk(np.zeros(8000, np.float32), 0))

        def words(options):
            while True:
                print("word")

        def running(run):
            return lambda parser: parser.set_defaults(run=run)

        commands = {run.__name__: running(run) for run in (sound, words)}
        sys.exit(main(sys.argv[1:], voxstack.Registry({}), commands))
    """
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", textwrap.dedent(script), what]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.read(4) == first
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(20) == 141


class FakeStream:
    """A speaker that keeps the samples it receives."""

    def __init__(self, **settings: Any) -> None:
        self.settings = settings
        self.samples: list[float] = []
        self.events: list[str] = []
        self.fails = False
        self.slow = False

    def start(self) -> None:
        self.events.append("start")

    def write(self, samples: Any) -> None:
        assert samples.ndim == 2
        assert threading.current_thread() is not threading.main_thread()
        if self.fails:
            raise OSError("unplugged")
        time.sleep(0.02 * self.slow)
        self.samples += samples[:, 0].tolist()

    def __getattr__(self, name: str) -> Any:
        if name in ("stop", "abort", "close"):
            return lambda: self.events.append(name)
        raise AttributeError(name)


@pytest.fixture
def speaker(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a module ``sounddevice`` with a list of the streams that were opened."""

    class Module:
        opened: list[FakeStream] = []
        fails = False
        slow = False

        @classmethod
        def OutputStream(cls, **settings: Any) -> FakeStream:
            stream = FakeStream(**settings)
            stream.fails, stream.slow = cls.fails, cls.slow
            cls.opened.append(stream)
            return stream

    monkeypatch.setitem(sys.modules, "sounddevice", Module)
    return Module


def test_without_a_place_it_plays(say: Say, speaker: Any, expect: Any, capsys: Any) -> None:
    assert say("Hello, all of you.") == 0
    (stream,) = speaker.opened
    assert stream.settings == {"samplerate": 8000, "channels": 1, "dtype": "float32"}
    assert [round(x * 32767) for x in stream.samples] == expect("Hello, all of you.").tolist()
    assert stream.events == ["start", "stop", "close"]
    assert capsys.readouterr().err.startswith("speaker: 0.23 s")


def test_play_while_writing(say: Say, speaker: Any, tmp_path: Path, capsysbinary: Any) -> None:
    assert say("Hello.", "--play", "--out", str(tmp_path / "hello.wav")) == 0
    assert len(speaker.opened[0].samples) == 600
    assert (tmp_path / "hello.wav").stat().st_size == 44 + 1200
    assert capsysbinary.readouterr().out == b""


@pytest.mark.parametrize(("text", "status"), [("abcdefgh!", 1), ("abcdefgh^", 130)])
def test_an_error_silences_the_speaker(text: str, status: int, say: Say, speaker: Any) -> None:
    assert say(text) == status
    assert speaker.opened[0].events == ["start", "abort", "close"]


def test_an_error_silences_a_speaker_that_is_behind(say: Say, speaker: Any) -> None:
    speaker.slow = True
    assert say("abcdefgh!") == 1
    assert len(speaker.opened[0].samples) < 800
    assert "voxstack-playback" not in [thread.name for thread in threading.enumerate()]


def test_a_speaker_that_fails_ends_it(say: Say, speaker: Any, capsys: Any) -> None:
    speaker.fails = True
    assert say("a" * 50) == 1
    assert "the speaker failed: unplugged" in capsys.readouterr().err
    assert "abort" in speaker.opened[0].events


def test_no_sounddevice_is_an_error_with_the_remedy(monkeypatch: Any, capsys: Any) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    assert main(["say", "a"], Registry({})) == 1
    error = capsys.readouterr().err
    assert 'pip install "voxstack-voice[play]"' in error
    assert "--out hello.wav" in error


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("text", "more", "shown"), [("a" * 400, [], True), ("a" * 20, [], False), ("a" * 400, ["--quiet"], False)]
)
def test_progress_on_a_long_text(
    text: str, more: list[str], shown: bool, say: Say, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert say(text, "--out", str(tmp_path / "hello.wav"), *more) == 0
    output = sys.stderr.getvalue()  # type: ignore[attr-defined]
    assert ("s of speech, " in output and "x real time" in output) is shown


def test_progress_shows_how_much_of_the_text_has_been_synthesized(read: Say, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert read("word " * 80, "--out", str(tmp_path / "hello.wav")) == 0
    shares = [int(share) for share in re.findall(r"(\d+)% of the text, ", sys.stderr.getvalue())]  # type: ignore[attr-defined]
    assert shares
    assert shares == sorted(shares)
    assert shares[0] == 1


def test_progress_of_a_text_that_arrives_shows_seconds(
    read: Say, pipe_in: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    pipe_in(b"word " * 80)
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert read("--out", str(tmp_path / "hello.wav")) == 0
    output = sys.stderr.getvalue()  # type: ignore[attr-defined]
    assert "s of speech, " in output
    assert "% of the text" not in output.partition("s of speech")[0]


def test_no_progress_where_stderr_is_no_terminal(say: Say, tmp_path: Path, capsys: Any) -> None:
    assert say("a" * 400, "--out", str(tmp_path / "hello.wav")) == 0
    assert "\r" not in capsys.readouterr().err
