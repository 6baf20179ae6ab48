"""The training command runs from nothing to a working addon, on a corpus of a minute."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from trainings import COBALT

import voxstack
from voxstack_addon_spec import open_addon


@pytest.fixture(scope="module")
def trained() -> Path:
    if reason := COBALT.missing():
        pytest.skip(reason)
    done = COBALT.result()
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    assert "stage 3 of 3" in done.stdout
    return COBALT.work


def test_it_ends_in_an_addon_that_speaks(trained: Path) -> None:
    with open_addon(trained / "cobalt") as files:
        files.verify()
    speech = voxstack.load(trained / "cobalt").synthesize("Hello.")
    assert len(speech.samples) > 1000
    assert np.isfinite(speech.samples).all()


def test_a_second_call_goes_on_from_the_checkpoint(trained: Path) -> None:
    script = COBALT.script.with_name("attention.py")
    done = subprocess.run(
        [sys.executable, str(script), "--work", str(trained / "work"), "--steps", "4"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert " 3/4 " in done.stderr, "it resumes at the step where it stopped"


def test_a_step_is_a_step_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch", reason="the networks are torch modules")
    for folder in (
        COBALT.script.parent,
        COBALT.script.parents[2] / "voice_amber" / "training",
        COBALT.script.parents[2] / "voice_prism" / "training",
    ):
        monkeypatch.syspath_prepend(str(folder))
    attention = __import__("attention_networks")
    torch.manual_seed(0)
    decoder = attention.Decoder().eval()
    step = attention.Step(decoder)
    keys, values, mask = torch.randn(2, 9, 160), torch.randn(2, 9, 160), torch.ones(2, 9)
    previous, position, history = (
        torch.zeros(2, 4, 80),
        torch.zeros(2, 1, dtype=torch.long),
        torch.zeros(2, decoder.history, 160),
    )
    inputs, positions, frames = [], [], []
    with torch.no_grad():
        for _ in range(12):
            inputs.append(previous)
            positions.append(position)
            predicted, _, attended, previous, position, history = step(keys, values, mask, previous, position, history)
            frames.append(predicted)
        whole, _, log_attention = decoder(keys, values, mask, torch.stack(inputs, 1), torch.cat(positions, 1))
    torch.testing.assert_close(torch.stack(frames, 1), whole, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(log_attention[:, -1].exp(), attended, atol=1e-6, rtol=1e-5)
