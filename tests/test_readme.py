"""The examples of the README work as they are printed there."""

from __future__ import annotations

import io
import json
import re
import shlex
import sys
import wave
from pathlib import Path

import pytest

import voxstack
from voxstack_cli.main import main
from voxstack_cli.parser import make_parser

README = (Path(__file__).parent.parent / "README.md").read_text()


def test_the_python_examples_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    first, second, third = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    played: list[int] = []
    names: dict = {"play": lambda samples: played.append(len(samples))}
    exec(first, names)
    assert sum(played) > 8000
    exec(second, names)
    assert [
        line.split()[-1] for line in capsys.readouterr().out.splitlines()
    ] == "Of course I can do that When shall we start".split()
    exec(third, names)
    rows = [line.split()[:2] for line in capsys.readouterr().out.splitlines()]
    assert sorted(rows) == [
        [name, "torch" if name == "decoder" else "onnx"] for name in sorted(names["voice"].addon.networks)
    ]
    with wave.open("hello.wav") as file:
        assert file.getnframes() > 8000
    assert next(names["frames"]).ndim == 1


def test_the_stack_it_shows_is_the_articles() -> None:
    design = """
    [{"type": "StreamablePipeline", "sequence_block": {"type": "Encoders"},
      "streamable_block": {"type": "StreamableStack", "stack": [{"type": "Upsampler"}, {"type": "Decoder"}]}}]
    """
    (shown,) = re.findall(r"```json\n(.*?)```", README, re.DOTALL)
    assert json.loads("{" + shown + "}")["stack"] == json.loads(design)


def test_there_are_two_commands_that_do_everything() -> None:
    commands = re.findall(r"^python3 -m venv .*", README, re.MULTILINE)
    assert [
        bool(re.search(end, command)) for end, command in zip(["hello.wav$", "pytest -n 2$"], commands, strict=True)
    ] == [True, True]


SHELL = [line for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL) for line in block.splitlines()]
COMMANDS = [found[0] for line in SHELL if (found := re.search(r"voxstack \w.*", line)) and "pip install ." not in line]
SLOW = ("check", "bench", "verify", "import", "contexts")
"""Commands that take long, or files of others: their arguments are parsed, and their own tests run them."""


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with the files that the shell examples name."""
    monkeypatch.chdir(tmp_path)
    Path("book.txt").write_text("One sentence. And another one.\n")
    Path("names.pls").write_text(
        '<lexicon version="1.0" xmlns="http://www.w3.org/2005/01/pronunciation-lexicon" alphabet="ipa" '
        'xml:lang="en-US"><lexeme><grapheme>Nguyen</grapheme><phoneme>win</phoneme></lexeme></lexicon>'
    )
    Path("README.md").write_text(README[:300])
    Path("path/to").mkdir(parents=True)
    Path("path/to/addon").symlink_to(voxstack.Registry.installed().addon("amber"))
    return tmp_path


def words_of(command: str) -> list[str]:
    """Return the words of a command, without what it is piped to and its comment."""
    words = shlex.split(command, comments=True)[1:]
    return words[: next((index for index, word in enumerate(words) if word in ("|", "&&")), None)]


@pytest.mark.parametrize("command", COMMANDS)
def test_the_shell_examples_run(
    command: str, desk: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    words = words_of(command)
    if words[0] in SLOW:
        assert make_parser(words).parse_args(words).run
        return
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"Text of a language model.")))
    status = main(words)
    output, errors = capfdbinary.readouterr()
    if words[-3:-1] == ["--context", "npu"] or b"has no device" in errors:
        assert errors.count(b"\n") == 1, "where there is no such hardware, that is one line"
        return
    assert status == (1 if words[0] == "diff" else 0), errors  # the two differ
    out = words[words.index("--out") + 1] if "--out" in words else None
    assert Path(out).stat().st_size > 8000 if out else output


def test_the_blocks_it_names_exist() -> None:
    registry = voxstack.Registry.installed()
    table = README.split("## What is in here")[1]
    named = set(re.findall(r"`([A-Z]\w+)`", table)) - {"Voice", "Voices"}
    assert len(named) > 10
    assert named <= set(registry)
