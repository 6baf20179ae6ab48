from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

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
    registry = voxstack.Registry({"dsp": voxstack_dsp})
    built = [voxstack.build(json.loads(text), registry=registry) for text in examples]
    assert {type(block) for block in built} == set(registry.values()) - set(voxstack.Registry({}).values())


@pytest.mark.parametrize(
    "spec",
    [
        {"type": "Resample", "source_rate": 8000, "target_rate": 10**6},
        {"type": "Resample", "source_rate": 10**6, "target_rate": 8000},
        {"type": "InverseSTFT", "n_fft": 10**6},
        {"type": "Limiter", "sample_rate": 10**6},
        {"type": "Limiter", "sample_rate": 8000, "lookahead_ms": 10**6},
        {"type": "Limiter", "sample_rate": 8000, "release_ms": 10**6},
        {"type": "Limiter", "sample_rate": 8000, "ceiling_db": -(10**6)},
        {"type": "Fade", "sample_rate": 10**6},
        {"type": "Fade", "sample_rate": 8000, "in_ms": 10**6},
        {"type": "Fade", "sample_rate": 8000, "out_ms": 10**6},
        {"type": "Noise", "name": "noise", "like": "mel", "features": 10**6},
        {"type": "Gain", "db": 10**6},
        {"type": "Gain", "hop_length": 10**6},
        {"type": "TimeStretch", "rate": 10**6},
        {"type": "TimeStretch", "rate": 0.001},
        {"type": "PitchShift", "semitones": 10**6},
        {"type": "ShapePauses", "block": {"type": "Gain"}, "sample_rate": 8000, "factor": 10**6},
        {"type": "ShapePauses", "block": {"type": "Gain"}, "sample_rate": 8000, "lookahead_ms": 10**9},
        {
            "type": "CrossFade",
            "first": {"type": "Gain"},
            "second": {"type": "Gain"},
            "sample_rate": 8,
            "fade_ms": 10**9,
        },
    ],
    ids=str,
)
def test_what_a_stack_can_make_large_has_a_limit(spec):
    with pytest.raises(voxstack.StackError, match=r"is too (large|small); write .* or (less|more)"):
        voxstack.build(spec, registry=voxstack.Registry({"dsp": voxstack_dsp}))
