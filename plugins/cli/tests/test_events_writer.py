"""Files of captions and events."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from voxstack import Chunk, Event, Registry
from voxstack_cli.input_text import InputText
from voxstack_cli.main import main
from voxstack_cli.output.events_writer import events_writer

Say = Callable[..., int]

TEXT = "Hello, R&D a<b. Go on."
SRT = "1\n00:00:00,000 --> 00:00:00,438\nHello, R&D a<b.\n\n2\n00:00:00,438 --> 00:00:00,750\nGo on.\n\n"
VTT = "WEBVTT\n\n00:00:00.000 --> 00:00:00.438\nHello, R&amp;D a&lt;b.\n\n00:00:00.438 --> 00:00:00.750\nGo on.\n\n"


def files_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.is_file())


@pytest.fixture
def all_forms(tmp_path: Path) -> list[str]:
    """Options that write sound, captions of both kinds and events."""
    return [
        word
        for form in ("out", "srt", "vtt", "json")
        for word in (f"--{form}", str(tmp_path / f"a.{form.replace('out', 'wav')}"))
    ]


def test_captions_and_events_are_written_beside_the_sound(
    read: Say, all_forms: list[str], tmp_path: Path, capsys: Any
) -> None:
    assert read(TEXT, *all_forms) == 0
    assert (tmp_path / "a.srt").read_text("utf-8") == SRT
    assert (tmp_path / "a.vtt").read_text("utf-8") == VTT
    output = json.loads((tmp_path / "a.json").read_text("utf-8"))
    assert {key: output[key] for key in output if key != "events"} == {
        "voice": "reader",
        "sample_rate": 8000,
        "text": TEXT,
        "duration": 0.75,
    }
    assert [(event["text"], event["start"], event["duration"], event["span"]) for event in output["events"]] == [
        ("Hello", 0.0, 0.0625, [0, 5]),
        ("R&D", 0.0875, 0.0375, [7, 10]),
        ("a<b", 0.1375, 0.0375, [11, 14]),
        ("Go", 0.4375, 0.025, [16, 18]),
        ("on", 0.475, 0.025, [19, 21]),
    ]
    assert {event["kind"] for event in output["events"]} == {"word"}
    assert files_in(tmp_path) == ["a.json", "a.srt", "a.vtt", "a.wav"]
    error = capsys.readouterr().err
    assert all(f"a.{ending}" in error for ending in ("wav", "srt", "vtt", "json"))


def test_times_alone_need_no_speaker(read: Say, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    assert read(TEXT, "--srt", str(tmp_path / "a.srt")) == 0
    assert files_in(tmp_path) == ["a.srt"]
    assert read(TEXT, "--srt", str(tmp_path / "a.srt"), "--play") == 1


@pytest.mark.parametrize(("form", "expected"), [("srt", SRT), ("vtt", VTT)])
def test_captions_on_stdout(form: str, expected: str, read: Say, tmp_path: Path, capsysbinary: Any) -> None:
    assert read(TEXT, f"--{form}", "-", "--out", str(tmp_path / "a.wav")) == 0
    assert capsysbinary.readouterr().out.decode() == expected


def test_stdout_gets_each_caption_when_it_is_known(read: Say, monkeypatch: Any) -> None:
    class Pipe(io.BytesIO):
        flushed: set[bytes] = set()

        def flush(self) -> None:
            self.flushed.add(self.getvalue())

    pipe = Pipe()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(pipe))
    assert read("One. Two. Three.", "--vtt", "-") == 0
    assert [sum(data.endswith(word + b".\n\n") for data in pipe.flushed) for word in (b"One", b"Two", b"Three")] == [
        1,
        1,
        1,
    ]


@pytest.mark.parametrize(
    ("voice", "text", "status"),
    [("hummer", "ab!", 1), ("hummer", "ab^", 130), ("hummer", "abc", 1), ("reader", "~", 1)],
)
def test_all_older_files_stay_if_anything_goes_wrong(
    voice: str, text: str, status: int, world: Registry, all_forms: list[str], tmp_path: Path
) -> None:
    names = ["a.json", "a.srt", "a.vtt", "a.wav"]
    for name in names:
        (tmp_path / name).write_bytes(b"older")
    assert main(["say", "--voice", voice, text, *all_forms], world) == status
    assert {name: (tmp_path / name).read_bytes() for name in files_in(tmp_path)} == dict.fromkeys(
        ("a.json", "a.srt", "a.vtt", "a.wav"), b"older"
    )


def test_captions_of_a_voice_without_words_are_an_error_and_its_events_are_none(
    say: Say, tmp_path: Path, capsys: Any
) -> None:
    assert say("abc", "--vtt", "-") == 1
    assert "hummer does not report the times of words, which captions need; omit --vtt" in capsys.readouterr().err
    assert say("abc", "--json", str(tmp_path / "a.json")) == 0
    assert json.loads((tmp_path / "a.json").read_text("utf-8"))["events"] == []


@pytest.mark.parametrize(
    ("argv", "problem"),
    [
        (["--srt", "a.vtt"], "--srt writes .srt files; name it 'a.srt'"),
        (["--json", "book.txt"], "--json writes .json files; name it 'book.json'"),
        (["--vtt", "."], "it is a folder; give a file, such as 'hello.vtt'"),
        (["--vtt", "nowhere/a.vtt"], "there is no folder 'nowhere'"),
        (["--srt", "-", "--json", "-"], "two outputs go to stdout"),
        (["--srt", "-", "--raw"], "two outputs go to stdout"),
        (["--srt", "-", "--out", "-"], "two outputs go to stdout"),
        (["--raw", "--out", "a.srt", "--srt", "./a.srt"], "to 'a.srt' and './a.srt', which are the same file"),
    ],
)
def test_places_that_are_refused_before_the_voice_is_loaded(
    argv: list[str], problem: str, tmp_path: Path, monkeypatch: Any, capsys: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["say", "a", *argv], Registry({})) == 1
    assert problem in capsys.readouterr().err
    assert not files_in(tmp_path)


def written(form: str, chunks: list[Chunk], text: str, markup: str = "text") -> str:
    file = io.BytesIO()
    voice: Any = SimpleNamespace(name="test", sample_rate=1000)
    with events_writer(file, form, voice, InputText([text]), markup) as write:
        for chunk in chunks:
            write(chunk)
    return file.getvalue().decode()


def test_times_of_hours_and_of_almost_a_second() -> None:
    events = (
        Event("word", "a", 59.9996, 1.0, (0, 1)),
        Event("word", "b", 3600.5, 1.0, (2, 3)),
        Event("word", "c", 400000.0, 1.0, (4, 5)),
    )
    text = written("srt", [Chunk(np.zeros(1000, np.float32), 0, events)], "a b c")
    lines = [line for line in text.splitlines() if "-->" in line]
    assert lines == [
        "00:01:00,000 --> 00:01:01,000",
        "01:00:00,500 --> 01:00:01,500",
        "111:06:40,000 --> 111:06:41,000",
    ]


def test_a_text_cannot_break_out_of_its_cue() -> None:
    text = "a\n\n00:00:00.000 --> 00:00:09.000\r\nb\u2028c"
    events = (Event("word", "a", 0.0, 0.1, (0, 1)), Event("word", "c", 0.1, 0.1, (len(text) - 3, len(text))))
    output = written("vtt", [Chunk(np.zeros(1000, np.float32), 0, events)], text)
    assert output.count("-->") == 1
    assert "--&gt;" in output
    assert output.endswith("b c\n\n")


def test_events_of_all_kinds_and_letters_are_json() -> None:
    events = (Event("phoneme", "ʃ", 0.0, 1 / 3), Event("mark", 'say "hé"\n', 0.5, 0.0, (3, 3)))
    chunks = [Chunk(np.zeros(500, np.float32), 0, events[:1]), Chunk(np.zeros(0, np.float32), 500, events[1:])]
    output = json.loads(written("json", chunks, 'a\u2028"\U0001f600'))
    assert output == {
        "voice": "test",
        "sample_rate": 1000,
        "events": [
            {"kind": "phoneme", "text": "ʃ", "start": 0.0, "duration": 0.333333, "span": None},
            {"kind": "mark", "text": 'say "hé"\n', "start": 0.5, "duration": 0.0, "span": [3, 3]},
        ],
        "text": 'a\u2028"\U0001f600',
        "duration": 0.5,
    }
