"""Text that is synthesized while it arrives."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from voxstack import RequestError
from voxstack_cli.input_text import InputText, decode_utf8
from voxstack_cli.main import main

Say = Callable[..., int]


class Talk(io.BytesIO):
    """Stdin that provides its text in parts, and calls a function before each."""

    def __init__(self, parts: list[bytes], before: Callable[[int], None] = lambda number: None) -> None:
        super().__init__()
        self.parts = list(enumerate(parts))
        self.before = before

    def read1(self, size: int | None = -1) -> bytes:
        number, part = self.parts.pop(0) if self.parts else (-1, b"")
        self.before(number)
        return part


@pytest.fixture
def talk(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    return lambda *how: monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(Talk(*how)))


@pytest.fixture
def listen(monkeypatch: pytest.MonkeyPatch) -> Callable[[], io.BytesIO]:
    """Return a function that captures stdout from the time of its call."""

    def begin() -> io.BytesIO:
        sound = io.BytesIO()
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(sound))
        return sound

    return begin


def test_each_part_is_synthesized_before_the_next_is_read(read: Say, talk: Any, listen: Any) -> None:
    written, stdout = list[int](), listen()
    talk([b"Hello", b" you", b" all"], lambda number: written.append(len(stdout.getvalue())))
    assert read("-", "--raw") == 0
    assert written == [0, 1000, 1800, 2600]  # two bytes for each of 100 samples a letter


def test_captions_of_a_text_that_arrives_come_with_it(read: Say, talk: Any, listen: Any) -> None:
    written, stdout = list[bytes](), listen()
    talk([b"Well,", b" hello. ", b"Go on."], lambda number: written.append(stdout.getvalue()))
    assert read("-", "--srt", "-") == 0
    assert written[:3] == [b"", b"", b""]
    assert [line for line in written[3].decode().splitlines() if line.isascii() and line[:1].isalpha()] == [
        "Well, hello."
    ]
    assert stdout.getvalue().decode().endswith("Go on.\n\n")


def test_the_events_contain_the_whole_text_and_places_in_it(read: Say, talk: Any, tmp_path: Path) -> None:
    talk([b"\xef\xbb\xbf", b" \n", b"Zw\xc3", b"\xb6lf. ", b"Ja"])
    assert read("--json", str(tmp_path / "a.json")) == 0
    output = json.loads((tmp_path / "a.json").read_text("utf-8"))
    assert output["text"] == " \nZwölf. Ja"
    assert all(output["text"][slice(*event["span"])] == event["text"] for event in output["events"])
    assert output["events"][-1]["text"] == "Ja"


@pytest.mark.parametrize("parts", [[], [b" "], [b"\xef\xbb\xbf"], [b"\n", b" ", b"\t\n"]])
def test_a_pipe_with_no_text_is_the_error_of_an_empty_text(
    parts: list[bytes], read: Say, talk: Any, tmp_path: Path, capsys: Any
) -> None:
    out = tmp_path / "a.wav"
    out.write_bytes(b"older")
    talk(parts)
    assert read("--out", str(out)) == 1
    assert (
        "reader finds nothing to pronounce in this text; it reads en-US: give it words or numbers"
        in capsys.readouterr().err
    )
    assert out.read_bytes() == b"older"


@pytest.mark.parametrize(
    ("parts", "detail"),
    [
        ([b"Zw\xf6lf"], "byte 0xf6 in position 2: invalid start byte"),
        ([b"Hello. ", b"Zw\xf6lf"], "byte 0xf6 in position 9: invalid start byte"),
        ([b"\xef\xbb\xbfHello. ", b"Zw\xc3", b"\xc3lf"], "byte 0xc3 in position 12: invalid continuation byte"),
        ([b"Hello. ", b"Zw\xc3"], "byte 0xc3 in position 9: unexpected end of data"),
    ],
)
def test_bytes_that_are_no_text_are_reported_with_their_position_and_leave_no_file(
    parts: list[bytes], detail: str, read: Say, talk: Any, tmp_path: Path, capsys: Any
) -> None:
    talk(parts)
    assert read("--out", str(tmp_path / "a.wav")) == 1
    problem = f"stdin is not UTF-8 ('utf-8' codec can't decode {detail})"
    remedy = "convert it, for example with: iconv -t UTF-8"
    assert capsys.readouterr().err == f"voxstack: error: {problem}; {remedy}\n"
    assert not [path for path in tmp_path.iterdir() if path.is_file()]


def test_a_pipe_that_breaks_is_an_error_and_leaves_no_file(read: Say, talk: Any, tmp_path: Path, capsys: Any) -> None:
    def fails(number: int) -> None:
        if number == 1:
            raise OSError(5, "Input/output error")

    talk([b"Hello. ", b"you"], fails)
    assert read("--out", str(tmp_path / "a.wav")) == 1
    assert "cannot read stdin: Input/output error" in capsys.readouterr().err
    assert not [path for path in tmp_path.iterdir() if path.is_file()]


def test_ssml_is_read_to_its_end_and_passed_as_such(talk: Any, world: Any, monkeypatch: Any) -> None:
    given: list[Any] = []

    def stream(self: Any, text: Any, **more: Any) -> Iterator[Any]:
        given.append((text, more))
        raise RequestError("enough")

    monkeypatch.setattr("voxstack.Voice.stream", stream)
    talk([b"<speak>", b"Hello</speak>"])
    assert main(["say", "--voice", "reader", "--ssml", "--raw"], world) == 1
    assert given == [("<speak>Hello</speak>", {"markup": "ssml", "lexicon": None, "trace": None})]


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_text_is_the_same_however_it_is_cut(size: int) -> None:
    text = "Zwölf € für \U0001f600 \ufeff und 'ne Tüte"
    data = ("\ufeff" + text).encode()
    assert "".join(decode_utf8((data[at : at + size] for at in range(0, len(data), size)), "it")) == text


def test_the_time_of_waiting_for_text_is_not_synthesis_time(read: Say, talk: Any, capsys: Any) -> None:
    import time

    talk([b"Hello", b" you"], lambda number: time.sleep(0.2))
    assert read("--srt", os.devnull) == 0
    output = capsys.readouterr().err
    assert float(output.rsplit("factor ", 1)[1]) < 1  # of 0.11 s of speech, in 0.6 s


def test_a_text_has_a_length_when_all_is_read() -> None:
    text = InputText(iter(["", "ab", "", "cd"]), incremental=True)
    spoken = text.voice_input()
    assert (text.text, text.length) == ("ab", None)
    assert list(spoken) == ["ab", "cd"]
    assert (text.text, text.length) == ("abcd", 4)
    assert InputText(["ab", "cd"]).voice_input() == "abcd"


ENDLESS = """
    import json, sys
    from dataclasses import dataclass
    import numpy as np
    from tiny import plugin
    from voxstack import Registry, StreamableBlock
    from voxstack_cli.main import main

    @dataclass
    class Endless(StreamableBlock):
        '''Continues without end after an exclamation mark.'''
        needs, head, makes = frozenset({"text"}), True, "samples"

        def stream(self, source, utterance):
            for part in utterance["text"]:
                while True:
                    yield np.zeros(800, np.float32)
                    if "!" not in part:
                        break

    sys.exit(main(sys.argv[1:], Registry({"endless": plugin([Endless])})))
"""


@contextmanager
def started(folder: Path, *argv: str) -> Iterator[Any]:
    """Run ``voxstack say`` in a process of its own, with the voice in ``folder``."""
    support = str(Path(__file__).parents[3] / "tests" / "support")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([support, *sys.path])}
    command = [sys.executable, "-c", textwrap.dedent(ENDLESS), "say", "--voice", str(folder), *argv]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, env=environment, bufsize=0, **pipes) as process:  # type: ignore[call-overload]
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.skipif(os.name != "posix", reason="sends a signal")
@pytest.mark.parametrize("text", [b"Wait", b"Go on!"], ids=["while it waits for text", "while it speaks"])
def test_an_interrupt_ends_it_and_leaves_older_files(text: bytes, write_addon: Any, tmp_path: Path) -> None:
    folder = write_addon("endless", stack=[{"type": "Endless"}])
    for ending in ("wav", "json"):
        (tmp_path / f"a.{ending}").write_bytes(b"older")
    with started(folder, "-", "--out", f"{tmp_path}/a.wav", "--json", f"{tmp_path}/a.json", "--quiet") as process:
        process.stdin.write(text)
        while len(list(tmp_path.glob("*.part"))) < 2:
            assert process.poll() is None, process.stderr.read()
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
        assert process.stderr.read() == b""
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == {
        "a.wav": b"older",
        "a.json": b"older",
    }


def test_sound_comes_out_of_a_real_pipe_while_text_may_still_come(write_addon: Any) -> None:
    with started(write_addon("endless", stack=[{"type": "Endless"}]), "--raw") as process:
        process.stdin.write(b"Hello")
        assert process.stdout.read(1600) == bytes(1600)
        process.stdin.write(b" you")
        assert process.stdout.read(1600) == bytes(1600)
        process.stdin.close()
        assert process.wait(20) == 0


def test_a_listener_that_goes_away_ends_it_quietly(write_addon: Any, tmp_path: Path) -> None:
    with started(
        write_addon("endless", stack=[{"type": "Endless"}]), "--raw", "--json", str(tmp_path / "a.json")
    ) as process:
        process.stdin.write(b"Go on!")
        assert process.stdout.read(4) == bytes(4)
        process.stdout.close()
        assert process.wait(20) == 141
        assert process.stderr.read() == b""
    assert not [path for path in tmp_path.iterdir() if path.is_file()]
