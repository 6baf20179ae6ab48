from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import voxstack
import voxstack_diagnostics

ROOT = Path(__file__).parents[1]


def test_brings_its_blocks():
    registry = voxstack.Registry({"diagnostics": voxstack_diagnostics})
    assert not registry.broken
    assert {"Probe", "ProbeSequence", "Stopwatch"} <= set(registry)


def test_importing_it_is_cheap():
    heavy = "torch", "scipy", "onnxruntime", "jsonschema"
    code = f"import sys, voxstack_diagnostics; print(*(name for name in {heavy!r} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_is_announced():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["voxstack"] == {"diagnostics": "voxstack_diagnostics"}


def test_the_examples_in_the_readme_build():
    examples = [
        json.loads(text) for text in re.findall(r"```json\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    ]
    registry = voxstack.Registry({"diagnostics": voxstack_diagnostics})
    built = [voxstack.build(_without_other_plugins(spec), registry=registry) for spec in examples]
    assert {type(block) for block in built} == set(registry.values()) - set(voxstack.Registry({}).values())


def _without_other_plugins(spec: dict) -> dict:
    """Return the example with blocks of other plugins replaced by blocks that are available here."""
    stand_ins = {
        "AutoregressiveDecoder": {"type": "Probe"},
        "Decoder": {"type": "Probe"},
        "Encoders": {"type": "SequenceBlockContainer", "blocks": []},
    }
    return {name: stand_ins[value["type"]] if isinstance(value, dict) else value for name, value in spec.items()}
