"""The examples of the README work as they are printed there."""

from __future__ import annotations

import json
import re
import wave
from pathlib import Path

import pytest

import voxstack

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


def test_the_blocks_it_names_exist() -> None:
    registry = voxstack.Registry.installed()
    table = README.split("## What is in here")[1]
    named = set(re.findall(r"`([A-Z]\w+)`", table)) - {"Voice", "Voices"}
    assert len(named) > 10
    assert named <= set(registry)
