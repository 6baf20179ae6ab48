"""``voxstack plot``, with a small voice: files, and errors before anything is synthesized."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tiny import plugin

import voxstack
from voxstack import EventTrace, Frames, Registry, StreamableBlock, Utterance
from voxstack_cli.main import main
from voxstack_plot.command import command

Plot = Callable[..., int]


@dataclass
class Hum(StreamableBlock):
    """Hums each letter, and reports it as a word."""

    needs = frozenset({"text"})
    head = True
    makes = "samples"

    def stream(self, source: Frames, utterance: Utterance) -> Frames:
        for index, letter in enumerate(itertools.chain.from_iterable(utterance["text"])):
            utterance["timeline"].add("word", letter, 1000 * index, 1000)
            utterance["timeline"].add("phoneme", letter, 1000 * index, 1000)
            yield np.sin(np.arange(1000 * index, 1000 * (index + 1)) / 5).astype(np.float32)


@pytest.fixture
def voice(write_addon: Callable[..., Path]) -> Path:
    return write_addon("hummer", stack=[{"type": "Hum"}])


@pytest.fixture
def draw(voice: Path, monkeypatch: pytest.MonkeyPatch) -> Plot:
    """Return a function that runs ``voxstack plot ... --voice hummer``."""
    registry = Registry({"test": plugin([Hum])})
    monkeypatch.setattr("voxstack_cli.discovery.find_commands", lambda word: {"plot": command})
    return lambda *argv: main(["plot", *map(str, argv), "--voice", str(voice)], registry)


@pytest.mark.parametrize("kind", ["spectrogram", "alignment", "pitch", "stack", "trace"])
def test_each_kind_of_a_text_is_written(kind: str, draw: Plot, tmp_path: Path, capsys: Any) -> None:
    assert draw(kind, "abcd", "--out", tmp_path / "picture.png") == 0
    assert min(Image.open(tmp_path / "picture.png").size) > 100
    assert capsys.readouterr().err.startswith(str(tmp_path / "picture.png"))


def test_a_stack_needs_no_text_and_a_trace_may_be_a_file(draw: Plot, tmp_path: Path, voice: Path) -> None:
    assert draw("stack", "--out", tmp_path / "stack.svg") == 0
    trace = EventTrace()
    voxstack.load(voice, registry=Registry({"test": plugin([Hum])})).synthesize("ab", trace=trace)
    trace.save(tmp_path / "trace.json")
    assert draw("trace", "--trace-file", tmp_path / "trace.json", "--out", tmp_path / "trace.svg") == 0
    assert {"stack.svg", "trace.svg"} <= {path.name for path in tmp_path.iterdir()}


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["pitch", "ab", "--scale", "mel", "--out", "a.png"], "a picture of the pitch has no option --scale"),
        (["stack", "--start", "1", "--out", "a.png"], "a picture of the stack has no option --start"),
        (["pitch", "--out", "a.png"], 'needs a text: voxstack plot pitch "Hello there."'),
        (["trace", "--out", "a.png"], "needs a text, or --trace-file"),
        (["pitch", "--trace-file", "t.json", "--out", "a.png"], '--trace-file is for "voxstack plot trace"'),
        (["pitch", "ab", "--out", "a.gif"], "a picture is a .png or .svg file"),
        (["pitch", "ab", "--out", "none/a.png"], "there is no folder 'none'; create it first"),
        (["trace", "--trace-file", "none.json", "--out", "a.png"], "cannot read 'none.json'"),
        (["pitch", "ab", "--start", "9", "--out", "a.png"], "is not in a speech of"),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(value[:2]),
)
def test_mistakes_are_named_and_leave_no_file(
    argv: list[str], message: str, draw: Plot, tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert draw(*argv) == 1
    assert message in capsys.readouterr().err
    assert {path.name for path in tmp_path.iterdir()} == {"hummer"}


def test_an_unknown_kind_is_refused(draw: Plot, capsys: Any) -> None:
    with pytest.raises(SystemExit):
        draw("spectogram", "a", "--out", "a.png")
    assert "spectrogram" in capsys.readouterr().err
