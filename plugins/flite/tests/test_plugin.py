from __future__ import annotations

import ctypes.util
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import voxstack
import voxstack_flite
import voxstack_text
from voxstack import VoxstackError
from voxstack_addon_spec import open_addon
from voxstack_flite import worker
from voxstack_flite.process import FliteProcess

ROOT = Path(__file__).parents[1]


def test_brings_its_block_and_its_voice():
    registry = voxstack.Registry({"flite": voxstack_flite})
    assert not registry.broken
    assert "Flite" in registry
    assert open_addon(registry.addon("flite")).config["sample_rate"] == 16000


def test_importing_it_loads_no_library():
    code = "import voxstack_flite; print('libflite' in open('/proc/self/maps').read())"
    if not Path("/proc/self/maps").exists():
        pytest.skip("needs /proc")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False"]


def test_a_library_that_is_missing_is_told():
    with pytest.raises(OSError, match=r"libflite_none is not installed; try: apt install libflite1"):
        worker.load_library("flite_none")


@pytest.mark.skipif(
    ctypes.util.find_library("flite") is None, reason="Flite's library is not installed: apt install libflite1"
)
def test_a_voice_that_is_missing_is_told():
    process = FliteProcess()
    with pytest.raises(
        VoxstackError, match=r"Flite: the library libflite_cmu_us_none is not installed; try: apt install libflite1"
    ):
        process.check("none")
    process.end()


def test_is_announced():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["voxstack"] == {"flite": "voxstack_flite"}


def test_the_examples_in_the_readme_build():
    blocks = re.findall(r"```json\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    lines = [json.loads(line) for text in blocks for line in text.splitlines()]
    specs = [spec[0] if isinstance(spec, list) else spec for spec in lines]
    registry = voxstack.Registry({"flite": voxstack_flite, "text": voxstack_text})
    assert [type(voxstack.build(spec, registry=registry)) for spec in specs] == [registry["Flite"]] * 4
