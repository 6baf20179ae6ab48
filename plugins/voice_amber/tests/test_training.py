"""The training command runs from nothing to working addons, on a corpus of a minute."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tiny import plugin
from trainings import AMBER

import voxstack
from voxstack_addon_spec import open_addon


@pytest.fixture(scope="module")
def trained() -> Path:
    if reason := AMBER.missing():
        pytest.skip(reason)
    done = AMBER.result()
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    assert "stage 6 of 6" in done.stdout
    return AMBER.work


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
    script = AMBER.script.with_name("acoustic.py")
    done = subprocess.run(
        [sys.executable, str(script), "--work", str(trained / "work"), "--steps", "3"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert " 2/3 " in done.stderr, "it resumes at the step where it stopped"
