"""``voxstack say`` with another stack than that of the voice."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny import plugin

from voxstack import Registry, StreamableBlock
from voxstack_cli.main import main

Insert = Callable[..., np.ndarray | int]


@dataclass
class Scale(StreamableBlock):
    """Multiplies samples, and reports it in the log.

    :param factor: of the samples.
    """

    factor: float = 0.5

    takes = makes = "samples"

    def stream(self, source: Any, utterance: Any) -> Any:
        for chunk in source:
            yield chunk * np.float32(self.factor)
        logging.getLogger("voxstack.scale").info("scaled by %s", self.factor)


@pytest.fixture
def registry(world: Registry) -> Registry:
    return world.with_plugins({"scale": plugin([Scale])})


@pytest.fixture(autouse=True)
def plain_log() -> Iterator[None]:
    """Take back what a command changed in logging."""
    logger = logging.getLogger("voxstack")
    handlers, level = logger.handlers[:], logger.level
    yield
    logger.handlers[:] = handlers
    logger.setLevel(level)


@pytest.fixture
def level(registry: Registry, tmp_path: Path) -> Callable[..., float]:
    """Return a function that returns the level of speech with more options, as a factor on that without them."""

    def synthesize(*options: str) -> float:
        out = tmp_path / "out.raw"
        assert main(["say", "--voice", "hummer", "abc", "--raw", "--out", str(out), *options], registry) == 0
        return float(np.abs(np.frombuffer(out.read_bytes(), "<i2")).max()) / 16383

    return synthesize


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--insert", "Scale"], 0.5),
        (["--insert", "Scale:factor=0.25"], 0.25),
        (["--insert", 'Scale:{"factor": 0.25}'], 0.25),
        (["--insert", '{"type": "Scale", "factor": 0.25}'], 0.25),
        (["--insert", "Scale", "--insert", "Scale:factor=1.5"], 0.75),
        (["--insert", "Scale@after=Hum", "--insert", "Scale:factor=1@replace=Scale"], 1),
        (["--insert", "Scale", "--insert", "Scale:factor=0.5@before=stack[1]"], 0.25),
    ],
    ids=str,
)
def test_blocks_are_put_into_the_stack(level: Callable[..., float], options: list[str], expected: float) -> None:
    assert level(*options) == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("whole", [True, False])
def test_the_stack_of_a_file_is_used(level: Callable[..., float], tmp_path: Path, whole: bool) -> None:
    stack = [{"type": "Hum"}, {"type": "Scale", "factor": 0.75}]
    path = tmp_path / "stack.json"
    path.write_text(json.dumps({"name": "other", "stack": stack} if whole else stack))
    assert level("--stack", str(path)) == pytest.approx(0.75, abs=0.01)
    assert level("--stack", str(path), "--insert", "Scale") == pytest.approx(0.375, abs=0.01)


def test_what_blocks_log_is_printed(level: Callable[..., float], capsys: Any) -> None:
    logging.getLogger("voxstack").handlers.clear()  # of a command that ran in this process before
    level("--insert", "Scale")
    assert "voxstack: scaled by 0.5" in capsys.readouterr().err.splitlines()
    logging.getLogger("voxstack").handlers.clear()
    level("--insert", "Scale", "--quiet")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("options", "status", "message"),
    [
        (["--insert", "Sclae"], 1, "stack[1]: no block named 'Sclae'; did you mean 'Scale'?"),
        (["--insert", "Scale:factr=1"], 1, "Scale has no field 'factr'; did you mean 'factor'?"),
        (["--insert", "Scale:factor=loud"], 1, "stack[1].factor: Scale: 'loud' is not a number; write a number"),
        (["--insert", "Scale:loud"], 2, "'loud' sets no fields; write Gain, Gain:db=-3,"),
        (["--insert", 'Scale:{"factor"'], 2, "is not JSON"),
        (["--insert", "Scale@behind=Hum"], 2, "is no block; write Gain, Gain:db=-3,"),
        (["--insert", "Scale@after=Humm"], 1, "there is no block 'Humm' in this stack; did you mean 'Hum'?"),
        (["--insert", "Scale@before=Hum"], 1, "Hum starts a stream of its own"),
        (["--stack", "none.json"], 1, "cannot read none.json: No such file or directory; check the path"),
        (["--stack", "bad.json"], 1, "bad.json, line 2, column 1: Expecting value; write JSON, a list of blocks"),
        (["--stack", "empty.json"], 1, 'empty.json has no "stack"; write a list of blocks'),
        (["--stack", "bytes.json"], 1, "bytes.json is not JSON in UTF-8"),
    ],
    ids=str,
)
def test_a_wrong_stack_is_one_line(
    registry: Registry,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Any,
    options: list[str],
    status: int,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("bad.json").write_text("[\n")
    Path("empty.json").write_text("{}")
    Path("bytes.json").write_bytes(b'["\xff"]')
    try:
        assert main(["say", "--voice", "hummer", "abc", "--out", "out.wav", *options], registry) == status
    except SystemExit as end:
        assert end.code == status
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
    assert not Path("out.wav").exists()
