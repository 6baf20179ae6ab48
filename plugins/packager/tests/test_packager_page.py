"""The page from a PyTorch model to a voice does what it says, and ends in the speech of the model."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import pytest

REASON = "packaging needs torch, onnx, onnxscript and onnxruntime: pip install 'voxstack-packager[export]'"
pytest.importorskip("torch", reason=REASON)
pytest.importorskip("onnxscript", reason=REASON)

import voxstack  # noqa: E402

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "plugins" / "packager" / "PYTORCH_MODEL.md").read_text("utf-8")
MODEL = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)[0]
COMMANDS = re.findall(r"^voxstack .*", PAGE, re.MULTILINE)


@pytest.fixture(scope="module")
def spoken(tmp_path_factory):
    """Return the folder in which the commands of the page have run, their output, and the text."""
    folder = tmp_path_factory.mktemp("page")
    (folder / "plugins").symlink_to(ROOT / "plugins")  # the page is read in the checkout
    (folder / "model.py").write_text(MODEL)
    lines = []
    for command in COMMANDS:
        words = shlex.split(command)[1:]
        done = subprocess.run(
            [sys.executable, "-m", "voxstack_cli", *words], cwd=folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        lines += done.stderr.splitlines()
    return folder, lines, shlex.split(COMMANDS[-1])[4]


def test_it_takes_at_most_25_lines():
    assert len([line for line in MODEL.splitlines() if line.strip()]) <= 25
    assert [command.split()[1] for command in COMMANDS] == ["pack", "say"]


def test_the_voice_speaks_as_the_model_does(spoken):
    folder, _, text = spoken
    with wave.open(str(folder / "hello.wav")) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2") / 2**15
        assert file.getframerate() == 16000
    original = voxstack.load("amber").synthesize(text)
    assert len(samples) == len(original.samples)
    assert np.abs(samples - original.samples).max() < 2e-3 * np.abs(original.samples).max()
    own = voxstack.load(folder / "mine").synthesize(text)
    assert [(e.text, e.start) for e in own.events] == [(e.text, e.start) for e in original.events]


def test_rates_and_forms_are_found_out(spoken):
    folder, lines, _ = spoken
    config = json.loads((folder / "mine" / "addon.json").read_text("utf-8"))
    assert (config["sample_rate"], config["hop_length"]) == (16000, 200)
    assert config["networks"]["decoder"]["streaming"] == {"axis": "frames", "left": 18, "right": 18, "hop": 1}
    assert "stateful" in config["networks"]["decoder"]
    assert config["networks"]["front"]["measured"]["mask_error"].keys() == {"tokens"}
    assert any("front, decoder: 900 s each at most" in line for line in lines)
    assert any("the license is LicenseRef-unknown; state one before you share the voice" in line for line in lines)


def test_what_it_says_of_errors_is_true():
    from voxstack_packager.from_modules import module_inputs

    shown = " ".join(PAGE.split("```\nvoxstack: error: decoder: ")[1].split("```")[0].split())
    assert "State what it receives: ModuleSource(module, inputs={'speaker': ...})" in shown
    assert "nothing gives {entry!r}, which 'forward' needs" in Path(module_inputs.__file__).read_text("utf-8")
