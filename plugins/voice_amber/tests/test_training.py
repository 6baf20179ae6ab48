"""The training command runs from nothing to working addons, on a corpus of a minute."""

from __future__ import annotations

import subprocess
import sys
from ctypes.util import find_library
from pathlib import Path

import numpy as np
import pytest
from tiny import plugin

import voxstack
from voxstack_addon_spec import open_addon

TRAIN = Path(__file__).parents[1] / "training" / "train.py"
SMALL = {
    "slt": 40,
    "rms": 30,
    "acoustic-steps": 6,
    "vocoder-steps": 6,
    "adversarial-steps": 2,
    "pronunciation-steps": 3,
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("torch", reason="the networks are trained with torch")
    if find_library("flite") is None or not Path("/usr/include/flite/flite.h").exists():
        pytest.skip("the teacher is flite, whose development files are missing (Debian: flite1-dev)")
    if not Path("/usr/share/dict/scowl").exists():
        pytest.skip("the corpus needs word lists that are missing (Debian: scowl)")
    work = tmp_path_factory.mktemp("training")
    options = [word for name, value in SMALL.items() for word in (f"--{name}", str(value))]
    command = [sys.executable, str(TRAIN), "--work", str(work / "work"), "--to", str(work), *options]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    assert "stage 6 of 6" in done.stdout
    return work


def test_it_ends_in_addons_that_speak(trained: Path) -> None:
    for name in ("amber", "prism"):
        with open_addon(trained / name) as files:
            files.verify()
    registry = voxstack.Registry.installed().with_plugins(
        {"voice_prism": plugin(voxstack_addons=lambda: [trained / "prism"])}
    )
    samples = voxstack.load(trained / "amber", registry=registry).synthesize("Hello.").samples
    assert len(samples) > 1000
    assert np.isfinite(samples).all()


def test_a_second_call_goes_on_from_the_checkpoints(trained: Path) -> None:
    script = TRAIN.with_name("acoustic.py")
    done = subprocess.run(
        [sys.executable, str(script), "--work", str(trained / "work"), "--steps", "8"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert " 6/8 " in done.stderr, "it resumes at the step where it stopped"
