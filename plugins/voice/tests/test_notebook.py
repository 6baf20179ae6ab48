"""The lines of the README for notebooks run in IPython, as a notebook runs a cell."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny import plugin

import voxstack

README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
TEXT = "Hello there."


@dataclass
class Hum(voxstack.StreamableBlock):
    """Hums 400 samples for each letter, and reports one word."""

    needs = frozenset({"text"})
    head = True
    makes = "samples"

    def stream(self, source: Any, utterance: Any) -> Any:
        utterance["timeline"].add("word", utterance["text"], 0, 400, (0, 1))
        for _ in utterance["text"]:
            yield np.full(400, 0.1, np.float32)


@pytest.fixture
def voice(write_addon: Callable[..., Path]) -> voxstack.Voice:
    return voxstack.load(
        write_addon("hummer", stack=[{"type": "Hum"}]), registry=voxstack.Registry({"hum": plugin([Hum])})
    )


def cell_of_the_readme() -> str:
    return next(cell for cell in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "await " in cell)


def test_the_cell_runs_in_a_notebook(voice: voxstack.Voice, capsys: Any, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    shell = InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}), user_ns={"voice": voice})
    assert shell.autoawait
    done = shell.run_cell(cell_of_the_readme())
    done.raise_error()
    assert repr(done.result) == "Speech(0.60 s, 8000 Hz, 1 word)"
    assert "<audio controls" in done.result._repr_html_()
    assert "Chunk(0.05 s from 0.05 s, 8000 Hz, 0 events)" in capsys.readouterr().out


def test_awaiting_gives_what_waiting_gives(voice: voxstack.Voice) -> None:
    import asyncio

    expected = voice.synthesize(TEXT)
    found = asyncio.run(voice.asynthesize(TEXT))
    np.testing.assert_array_equal(found, expected)
    assert found.events == expected.events
    assert repr(voice) == "Voice('hummer', 8000 Hz, en-US, 0 controls)"
