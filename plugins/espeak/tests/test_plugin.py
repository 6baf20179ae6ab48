from __future__ import annotations

import itertools
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import voxstack
import voxstack_espeak
import voxstack_text
from voxstack_addon_spec import open_addon

ROOT = Path(__file__).parents[1]
REPOSITORY = ROOT.parents[1]


def test_brings_its_blocks_and_its_voice():
    registry = voxstack.Registry({"espeak": voxstack_espeak})
    assert not registry.broken
    assert {"Espeak", "EspeakPhonemes"} <= set(registry)
    assert open_addon(registry.addon("espeak")).config["sample_rate"] == 22050


def test_importing_it_is_cheap_and_starts_nothing():
    heavy = "torch", "scipy", "onnxruntime", "jsonschema", "espeakng_loader", "subprocess.Popen"
    code = f"import sys, voxstack_espeak; print(*(name for name in {heavy!r} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_is_announced_under_the_licence_of_espeak():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["voxstack"] == {"espeak": "voxstack_espeak"}
    assert project["license"] == "GPL-3.0-or-later"
    assert "Version 3, 29 June 2007" in (ROOT / "LICENSE").read_text()


def test_nothing_else_depends_on_it():
    root = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]["hatch"]["metadata"]["hooks"]["custom"]
    others = [path for path in REPOSITORY.glob("plugins/*/pyproject.toml") if path.parent != ROOT]
    assert len(others) > 10
    needed = [*root["dependencies"]]
    for path in [REPOSITORY / "core/pyproject.toml", *others]:
        project = tomllib.loads(path.read_text())["project"]
        needed += project.get("dependencies", [])
        needed += itertools.chain(*project.get("optional-dependencies", {}).values())
    assert len(needed) > 20
    assert not [requirement for requirement in needed if "espeak" in requirement.lower()]


def test_the_examples_in_the_readme_build():
    blocks = re.findall(r"```json\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    lines = [json.loads(line) for text in blocks for line in text.splitlines()]
    registry = voxstack.Registry({"espeak": voxstack_espeak, "text": voxstack_text})
    singles = [spec for spec in lines if isinstance(spec, dict)]
    built = {type(voxstack.build(spec, registry=registry)) for spec in singles}
    own = voxstack.Registry({"espeak": voxstack_espeak})
    assert built == set(own.values()) - set(voxstack.Registry({}).values())
    assert [spec[0]["type"] for spec in lines if isinstance(spec, list)] == ["Espeak"]
