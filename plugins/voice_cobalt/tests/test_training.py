"""The training command runs from nothing to a working addon, on a corpus of a minute."""

from __future__ import annotations

import subprocess
import sys
from ctypes.util import find_library
from pathlib import Path

import numpy as np
import pytest

import voxstack
from voxstack_addon_spec import open_addon

TRAIN = Path(__file__).parents[1] / "training" / "train.py"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("torch", reason="the networks are trained with torch")
    if find_library("flite") is None or not Path("/usr/include/flite/flite.h").exists():
        pytest.skip("the teacher is flite, whose development files are missing (Debian: flite1-dev)")
    if not Path("/usr/share/dict/scowl").exists():
        pytest.skip("the corpus needs word lists that are missing (Debian: scowl)")
    work = tmp_path_factory.mktemp("training")
    command = [
        sys.executable,
        str(TRAIN),
        "--work",
        str(work / "work"),
        "--to",
        str(work / "cobalt"),
        "--utterances",
        "40",
        "--steps",
        "6",
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    assert "stage 3 of 3" in done.stdout
    return work


def test_it_ends_in_an_addon_that_speaks(trained: Path) -> None:
    with open_addon(trained / "cobalt") as files:
        files.verify()
    speech = voxstack.load(trained / "cobalt").synthesize("Hello.")
    assert len(speech.samples) > 1000
    assert np.isfinite(speech.samples).all()


def test_a_second_call_goes_on_from_the_checkpoint(trained: Path) -> None:
    script = TRAIN.with_name("attention.py")
    done = subprocess.run(
        [sys.executable, str(script), "--work", str(trained / "work"), "--steps", "8"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert " 6/8 " in done.stderr, "it resumes at the step where it stopped"


def test_a_step_is_a_step_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch", reason="the networks are torch modules")
    for folder in (
        TRAIN.parent,
        TRAIN.parents[2] / "voice_amber" / "training",
        TRAIN.parents[2] / "voice_prism" / "training",
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
