from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import voxstack
import voxstack_dsp

ROOT = Path(__file__).parents[1]


def test_brings_its_blocks():
    registry = voxstack.Registry({"dsp": voxstack_dsp})
    assert not registry.broken
    assert {"Fade", "Gain", "InverseSTFT", "Limiter", "Pace", "Resample"} <= set(registry)


def test_importing_it_is_cheap():
    heavy = "torch", "scipy", "soxr", "onnxruntime", "jsonschema"
    code = f"import sys, voxstack_dsp; print(*(name for name in {heavy!r} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_is_announced():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["voxstack"] == {"dsp": "voxstack_dsp"}


def test_the_examples_in_the_readme_build():
    import json
    import re

    examples = re.findall(r"```json\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    built = [voxstack.build(json.loads(text), registry=voxstack.Registry({"dsp": voxstack_dsp})) for text in examples]
    assert {type(block).__name__ for block in built} >= {cls.__name__ for cls in voxstack_dsp.voxstack_blocks()}
