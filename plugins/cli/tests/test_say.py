from __future__ import annotations

import io
import json
import sys
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from voxstack_cli.main import main
from voxstack_cli.output.audio_writer import wav_header

Say = Callable[..., int]
Expect = Callable[..., np.ndarray]


def samples_of(file: Any) -> np.ndarray:
    with wave.open(file, "rb") as opened:
        assert (opened.getframerate(), opened.getnchannels(), opened.getsampwidth()) == (8000, 1, 2)
        return np.frombuffer(opened.readframes(opened.getnframes()), "<i2")


def test_a_wav_file_holds_all_samples_and_its_length(say: Say, expect: Expect, tmp_path: Path, capsys: Any) -> None:
    out = tmp_path / "hello.wav"
    assert say("Hello", "there.", "--out", str(out)) == 0
    np.testing.assert_array_equal(samples_of(str(out)), expect("Hello there."))
    assert out.read_bytes()[4:8] == (out.stat().st_size - 8).to_bytes(4, "little")
    assert capsys.readouterr().out == ""
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["hello.wav"]


def test_the_last_line_shows_file_seconds_first_audio_and_factor(say: Say, tmp_path: Path, capsys: Any) -> None:
    out = str(tmp_path / "hello.wav")
    say("a" * 160, "--out", out)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"{out}: 2.00 s, first audio after 0.")
    assert ", real-time factor 0." in line
    say("a", "--out", out, "--quiet")
    assert capsys.readouterr().err == ""


def test_a_wav_stream_on_stdout_is_playable_and_of_unknown_length(say: Say, expect: Expect, capsysbinary: Any) -> None:
    assert say("Hello.", "--out", "-") == 0
    data = capsysbinary.readouterr().out
    assert data[:4] == b"RIFF"
    assert data[4:8] == data[40:44] == b"\xff" * 4
    np.testing.assert_array_equal(samples_of(io.BytesIO(data)), expect("Hello."))


def test_stdout_gets_every_chunk_when_it_is_synthesized(say: Say, monkeypatch: Any) -> None:
    class Pipe(io.BytesIO):
        flushed: list[int] = []

        def flush(self) -> None:
            self.flushed.append(self.tell())

    pipe = Pipe()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(pipe))
    assert say("abc", "--raw") == 0
    assert [size for size in (200, 400, 600) if size in pipe.flushed] == [200, 400, 600]


def test_raw_is_pcm_and_nothing_else(say: Say, expect: Expect, tmp_path: Path, capsysbinary: Any) -> None:
    assert say("Hello.", "--raw") == 0
    assert capsysbinary.readouterr().out == expect("Hello.").tobytes()
    assert say("Hello.", "--raw", "--out", str(tmp_path / "hello.pcm")) == 0
    assert (tmp_path / "hello.pcm").read_bytes() == expect("Hello.").tobytes()


@pytest.mark.parametrize("argv", [["-"], [], ["--file", "-"]])
def test_text_from_stdin(argv: list[str], say: Say, expect: Expect, pipe_in: Any, capsysbinary: Any) -> None:
    pipe_in("\ufeffZwölf".encode())
    assert say(*argv, "--raw") == 0
    assert capsysbinary.readouterr().out == expect("Zwölf").tobytes()


def test_text_from_a_file(say: Say, expect: Expect, tmp_path: Path, capsysbinary: Any) -> None:
    (tmp_path / "text").write_text("Zwölf", "utf-8")
    assert say("--file", str(tmp_path / "text"), "--raw") == 0
    assert capsysbinary.readouterr().out == expect("Zwölf").tobytes()


def test_a_terminal_is_not_waited_for(say: Say, monkeypatch: Any, capsys: Any) -> None:
    monkeypatch.setattr(sys, "stdin", type("tty", (), {"isatty": lambda self: True})())
    assert say("--raw") == 1
    assert "no text; give one" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv", "problem"),
    [
        (["text", "--file", "x"], "both TEXT and --file are given"),
        (["--file", "nowhere.txt"], "cannot read nowhere.txt: No such file or directory"),
        ([""], "hummer finds nothing to pronounce in this text"),
        (["\udcff"], "the text is not UTF-8"),
    ],
)
def test_texts_that_are_invalid(argv: list[str], problem: str, say: Say, capsys: Any) -> None:
    assert say(*argv, "--raw") == 1
    error = capsys.readouterr().err
    assert error.startswith("voxstack: error: ")
    assert problem in error


def test_bytes_that_are_no_text(say: Say, pipe_in: Any, capsys: Any) -> None:
    pipe_in(b"Zw\xf6lf")
    assert say("--raw") == 1
    assert "stdin is not UTF-8" in capsys.readouterr().err


def test_controls_reach_the_voice(say: Say, expect: Expect, capsysbinary: Any) -> None:
    assert say("a", "--raw", "--set", "volume=0.25", "--set", "style=sad") == 0
    assert capsysbinary.readouterr().out == expect("a", 0.25).tobytes()
    assert say("a", "--raw", "--rate", "2") == 0
    assert capsysbinary.readouterr().out == expect("a", 0.25).tobytes()


def test_pause_is_a_control_with_an_option_of_its_own(read: Say, capsysbinary: Any) -> None:
    for argv in ([], ["--pause", "2.5"], ["--set", "pause=2.5"]):
        assert read("a.", "--raw", *argv) == 0
        assert len(capsysbinary.readouterr().out) == 2 * (100 + 2000 * (2.5 if argv else 1))


@pytest.mark.parametrize(
    ("argv", "problem"),
    [
        (["--pause", "2"], "hummer has no control 'pause'; it has rate, volume, style"),
        (["--set", "volume=2"], "hummer: volume: 2 is too large; write 1 or less"),
        (["--set", "volume=loud"], "hummer: volume: 'loud' is not a number; write a number"),
        (["--set", "volume=NaN"], "hummer: volume: 'NaN' is not a number; write a number"),
        (["--rate", "1e999"], "hummer: rate: '1e999' is not a number; write a number"),
        (["--set", "style=1"], "hummer: style: 1 is not a string; write a string"),
        (["--set", "pitch=2"], "hummer has no control 'pitch'; it has rate, volume, style"),
        (["--set", "text=other"], "hummer has no control 'text'"),
        (["--set", "rate=1", "--rate", "1"], "'rate' is set twice"),
        (["--context", "npu"], "hummer has no context named 'npu'"),
        (["--context", '{"device": "cpu", "rate": 1}'], "a context has no 'rate'"),
    ],
)
def test_bad_controls_and_contexts(argv: list[str], problem: str, say: Say, tmp_path: Path, capsys: Any) -> None:
    out = tmp_path / "hello.wav"
    assert say("a", "--out", str(out), *argv) == 1
    assert problem in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize("argv", [["--set", "volume"], ["--set", "=1"], ["--context", '{"runtime": ']])
def test_options_that_cannot_be_parsed_are_wrong_usage(argv: list[str], say: Say, capsys: Any) -> None:
    with pytest.raises(SystemExit) as left:
        say("a", *argv)
    assert left.value.code == 2
    assert argv[1] in capsys.readouterr().err


def test_an_unknown_voice_suggests_the_nearest(world: Any, capsys: Any) -> None:
    assert main(["say", "a", "--raw", "--voice", "humer"], world) == 1
    error = capsys.readouterr().err
    assert "no addon named 'humer' is installed; did you mean 'hummer'?" in error
    assert "Traceback" not in error


def test_a_header_that_cannot_hold_the_length_says_unknown() -> None:
    assert wav_header(8000, 2**32)[40:44] == wav_header(8000)[40:44] == b"\xff" * 4
    assert wav_header(8000, 10)[40:44] == b"\x0a\0\0\0"


def test_a_text_with_nothing_to_pronounce_is_an_error_and_leaves_no_file(say: Say, tmp_path: Path, capsys: Any) -> None:
    assert say("~", "--out", str(tmp_path / "empty.wav")) == 1
    assert (
        "hummer finds nothing to pronounce in this text; it reads en-US: give it words or numbers"
        in capsys.readouterr().err
    )
    assert not [path for path in tmp_path.iterdir() if path.is_file()]


def test_a_trace_is_written_with_the_audio(say: Callable[..., int], tmp_path: Path) -> None:
    wav, trace = tmp_path / "hello.wav", tmp_path / "trace.json"
    assert say("abc", "--out", str(wav), "--trace", str(trace)) == 0
    rows = json.loads(trace.read_text())["traceEvents"]
    assert [row["args"]["shape"] for row in rows if row["name"] == "Hum" and "shape" in row["args"]] == [[100]] * 3
    assert "first audio" in [row["name"] for row in rows]
    assert wav.exists()


def test_a_trace_alone_needs_no_speaker(say: Callable[..., int], tmp_path: Path, capsys: Any) -> None:
    assert say("abc", "--trace", str(tmp_path / "trace.json")) == 0
    assert say("abc", "--trace", str(tmp_path / "trace.txt")) == 1
    assert "--trace writes .json files; name it" in capsys.readouterr().err
    assert say("a!", "--trace", str(tmp_path / "failed.json")) == 1
    assert sorted(path.name for path in tmp_path.glob("*.json*")) == ["trace.json"]


def test_the_extension_is_the_format(say: Say, expect: Expect, tmp_path: Path) -> None:
    import soundfile

    text = "Hello there, all of you."
    for suffix, form in ((".flac", "FLAC"), (".mp3", "MP3"), (".ogg", "OGG"), (".opus", "OGG")):
        out = tmp_path / f"hello{suffix}"
        assert say(text, "--out", str(out)) == 0
        assert soundfile.info(out).format == form
        assert soundfile.info(out).duration == pytest.approx(len(expect(text)) / 8000, abs=0.01)
    np.testing.assert_array_equal(soundfile.read(tmp_path / "hello.flac", dtype="int16")[0], expect(text))


@pytest.mark.parametrize("suffix", [".flac", ".mp3", ".m4a"])
def test_an_error_leaves_no_part_of_an_encoded_file(suffix: str, say: Say, tmp_path: Path, capsys: Any) -> None:
    out = tmp_path / f"hello{suffix}"
    out.write_bytes(b"older")
    assert say("ab!", "--out", str(out)) == 1
    assert out.read_bytes() == b"older"
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == [out.name]
    assert capsys.readouterr().err == "voxstack: error: stack[0]: Hum: NetworkError: the network failed\n"


def test_a_missing_encoder_is_named_before_the_voice_is_loaded(say: Say, monkeypatch: Any, capsys: Any) -> None:
    monkeypatch.setitem(sys.modules, "soundfile", None)
    assert say("a", "--out", "hello.mp3") == 1
    assert (
        'needs soundfile, which is not installed; try: pip install "voxstack-voice[audio]"' in capsys.readouterr().err
    )
