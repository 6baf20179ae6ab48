from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from tiny import plugin

from voxstack import Registry
from voxstack_cli.main import main


@pytest.fixture
def read_text(world: Registry) -> Callable[..., int]:
    """Return a function that runs ``voxstack read --voice reader ...``, whose block reports words."""
    return lambda *argv: main(["read", "--voice", "reader", *argv], world)


def test_words_are_listed_below_their_sentence(read_text: Callable[..., int], capsys: Any) -> None:
    assert read_text("one", "two.") == 0
    assert capsys.readouterr().out == "sentence 0-8: one two.\n  one\n  two\n"


def test_json_has_an_object_a_line_with_spans(read_text: Callable[..., int], capsys: Any) -> None:
    assert read_text("--json", "one two.") == 0
    (line,) = capsys.readouterr().out.splitlines()
    reading = json.loads(line)
    assert (reading["kind"], reading["text"], reading["span"]) == ("sentence", "one two.", [0, 8])
    assert reading["spoken"] == "one two"
    assert reading["items"][1] == {"kind": "word", "text": "two", "span": [4, 7], "spoken": "", "phonemes": []}


def test_the_text_may_come_from_stdin_and_from_a_file(
    read_text: Callable[..., int], pipe_in: Callable[[bytes], None], tmp_path: Any, capsys: Any
) -> None:
    (tmp_path / "text.txt").write_text("two", encoding="utf-8")
    pipe_in(b"one")
    assert read_text() == read_text("--file", str(tmp_path / "text.txt")) == 0
    assert capsys.readouterr().out == "sentence 0-3: one\n  one\nsentence 0-3: two\n  two\n"


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["..."], "reader finds nothing to pronounce in this text"),
        (["yes", "--set", "speed=2"], "reader has no control 'speed'"),
        (["yes", "--file", "x"], "both TEXT and --file are given"),
    ],
)
def test_errors_are_messages(read_text: Callable[..., int], arguments: list[str], problem: str, capsys: Any) -> None:
    assert read_text(*arguments) == 1
    assert problem in capsys.readouterr().err


def test_a_lexicon_for_a_voice_that_takes_none_is_refused(world: Registry, tmp_path: Any, capsys: Any) -> None:
    (tmp_path / "names.tsv").write_text("one\tw", encoding="utf-8")
    registry = world.with_plugins({"lexicons": plugin(voxstack_lexicon=lambda source: source)})
    arguments = ["--voice", "reader", "--lexicon", str(tmp_path / "names.tsv"), "one"]
    for command in (["read"], ["say", "--raw"]):
        assert main([*command, *arguments], registry) == 1
        assert "reader: this voice's reader takes no lexicon" in capsys.readouterr().err
