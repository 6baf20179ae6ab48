from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import voxstack
import voxstack_effects

ROOT = Path(__file__).parents[1]


def test_importing_it_is_cheap():
    heavy = "torch", "scipy", "soxr", "onnxruntime", "jsonschema"
    find = "import voxstack; assert len(voxstack.Registry({'effects': voxstack_effects})) > 9"
    code = f"import sys, voxstack_effects; {find}; print(*(name for name in {heavy!r} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_is_announced():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["voxstack"] == {"effects": "voxstack_effects"}


def test_the_examples_in_the_readme_build():
    examples = re.findall(r"```json\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    registry = voxstack.Registry({"effects": voxstack_effects})
    built = [voxstack.build(json.loads(text), registry=registry) for text in examples]
    blocks = [part for block in built for part in getattr(block, "stack", [block])]
    assert {type(block) for block in blocks} == set(registry.values()) - set(voxstack.Registry({}).values())


def test_the_table_in_the_readme_lists_every_field():
    text = (ROOT / "README.md").read_text()
    registry = voxstack.Registry({"effects": voxstack_effects})
    for name in set(registry) - set(voxstack.Registry({})):
        (row,) = (line for line in text.splitlines() if line.startswith(f"| `{name}`"))
        fields = [field for field in registry[name].__dataclass_fields__ if not field.startswith("_")]
        assert set(fields) - {"sample_rate"} == set(re.findall(r"`(\w+)`", row.split("|")[2])), name


@pytest.mark.parametrize(
    "spec",
    [
        {"type": "LowPass", "frequency": 1e9},
        {"type": "HighPass", "frequency": 100, "order": 1000},
        {"type": "Loudness", "lookahead_ms": 1e9},
        {"type": "Loudness", "window_s": 1e9},
        {"type": "Telephone", "sample_rate": 10**9},
        {"type": "Telephone", "sample_rate": 4000},
        {"type": "PeakFilter", "frequency": 100, "gain_db": 1e9},
    ],
    ids=str,
)
def test_what_a_stack_can_make_large_has_a_limit(spec):
    with pytest.raises(voxstack.StackError, match=r"is too (large|small); write .* or (less|more)"):
        voxstack.build(spec, registry=voxstack.Registry({"effects": voxstack_effects}))


@pytest.mark.filterwarnings("error")
def test_odd_chunks_are_typed_errors_or_numbers():
    import numpy as np

    from voxstack_effects.loudness import Loudness
    from voxstack_effects.passes import LowPass
    from voxstack_effects.telephone import Telephone

    for block in (LowPass(900, sample_rate=16_000), Loudness(sample_rate=16_000), Telephone(sample_rate=16_000)):
        for chunk in (
            np.ones(50, np.int16),
            np.ones((5, 2), np.float32),
            [1.0],
            None,
            np.array("a"),
            np.ones(4, complex),
        ):
            with pytest.raises(voxstack.NetworkError, match=rf"{type(block).__name__}: takes samples, \(samples,\)"):
                list(block.stream(iter([chunk]), {}))
        for odd in (np.nan, np.inf, 1e300, 1e38):
            made = list(block.stream(iter([np.full(30_000, odd)]), {}))
            assert sum(len(chunk) for chunk in made) == 30_000
