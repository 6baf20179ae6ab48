"""Effects of pedalboard: the contract, and streams against one call of pedalboard."""

from __future__ import annotations

import itertools
import json
import re
import subprocess
import sys
import tomllib
import typing
from pathlib import Path

import numpy as np
import pedalboard
import pytest
from tiny import addon, loaded

import voxstack
import voxstack_pedalboard
from voxstack.testing import Case, parametrize_with_checks
from voxstack_pedalboard.pedal import Effect, Pedal

ROOT = Path(__file__).parents[1]
REPOSITORY = ROOT.parents[1]
RATE = 16_000
SETTINGS: dict[str, dict[str, float]] = {
    "Bitcrush": {"bit_depth": 6},
    "Chorus": {"rate_hz": 3, "depth": 0.7, "feedback": 0.3},
    "Clipping": {"threshold_db": -12},
    "Compressor": {"threshold_db": -30, "ratio": 4},
    "Delay": {"delay_seconds": 0.05, "feedback": 0.4},
    "Distortion": {"drive_db": 12},
    "LadderFilter": {"cutoff_hz": 900, "resonance": 0.4},
    "NoiseGate": {"threshold_db": -25, "ratio": 4},
    "Phaser": {"rate_hz": 2, "feedback": 0.5},
    "Reverb": {"room_size": 0.7},
}
RANDOM = np.random.default_rng(8)
SAMPLES = (RANDOM.standard_normal(20_000) * np.repeat([0.02, 0.3, 0.0, 0.1], 5000)).astype(np.float32)


@parametrize_with_checks(
    [
        Case(Pedal("Reverb", sample_rate=RATE), source=SAMPLES[5000:5900]),
        Case(Pedal("Chorus", SETTINGS["Chorus"], RATE), source=SAMPLES[5000:5900]),
        Case(loaded(Pedal("Compressor", SETTINGS["Compressor"]), addon()), source=SAMPLES[5000:5900]),
    ]
)
def test_contract(case, check):
    check(case)


def run(block: Pedal, parts: list[np.ndarray]) -> np.ndarray:
    return np.concatenate(list(block.stream(iter(parts), {})))


@pytest.mark.parametrize("effect", typing.get_args(Effect))
def test_streams_equal_one_call_bit_for_bit(effect):
    settings = SETTINGS[effect]
    whole = getattr(pedalboard, effect)(**settings).process(SAMPLES, RATE)
    assert not np.array_equal(whole, SAMPLES)
    cuts = np.cumsum(np.resize([7, 160, 31, 997, 4000, 1], 40))
    for parts in (np.split(SAMPLES, cuts[cuts < len(SAMPLES)]), [SAMPLES], np.array_split(SAMPLES, 50)):
        np.testing.assert_array_equal(run(Pedal(effect, settings, RATE), parts), whole)


def test_each_stream_has_an_effect_of_its_own():
    block = Pedal("Delay", SETTINGS["Delay"], RATE)
    first, second = (block.stream(iter(np.array_split(SAMPLES, 20)), {}) for _ in range(2))
    made = list(zip(first, second, strict=True))
    assert all(np.array_equal(a, b) for a, b in made)


@pytest.mark.parametrize(
    ("effect", "settings", "problem"),
    [
        ("Reverb", {"room": 0.3}, r"settings: Reverb has no setting 'room'.*\n  its settings: damping, dry_level"),
        ("Reverb", {"room_sise": 0.3}, r"did you mean 'room_size'"),
        ("Reverb", {"room_size": 7}, r"settings: Reverb: Room Size value must be between 0.0 and 1.0"),
        ("Delay", {"delay_seconds": 1e9}, r"settings: Delay: Delay \(in seconds\) must be between"),
        ("Delay", {"delay_seconds": float("nan")}, r"settings.delay_seconds: nan is not finite; write a number"),
    ],
)
def test_settings_that_do_not_fit_are_errors_when_it_loads(effect, settings, problem):
    with pytest.raises(voxstack.StackError, match=problem):
        Pedal(effect, settings).load(addon())


def test_what_is_no_audio_is_an_error():
    for chunk in (np.ones(50, np.int16), np.ones((5, 2), np.float32), [1.0], None):
        with pytest.raises(
            voxstack.NetworkError, match=r"Pedal: takes samples, \(samples,\), float32; the block before"
        ):
            run(Pedal("Reverb", sample_rate=RATE), [chunk])
    assert run(Pedal("Clipping", sample_rate=RATE), [SAMPLES.astype(np.float64)]).dtype == np.float32


def test_importing_it_is_cheap():
    code = "import sys, voxstack_pedalboard; print(*(n for n in ('pedalboard', 'scipy', 'torch') if n in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_is_announced_under_the_licence_of_pedalboard():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["voxstack"] == {"pedalboard": "voxstack_pedalboard"}
    assert project["license"] == "GPL-3.0-or-later"
    assert "Version 3, 29 June 2007" in (ROOT / "LICENSE").read_text()


def test_nothing_else_depends_on_it():
    root = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]["hatch"]["metadata"]["hooks"]["custom"]
    needed = [*root["dependencies"]]
    for path in REPOSITORY.glob("plugins/*/pyproject.toml"):
        project = tomllib.loads(path.read_text())["project"]
        if path.parent != ROOT:
            needed += project.get("dependencies", [])
            needed += itertools.chain(*project.get("optional-dependencies", {}).values())
    assert len(needed) > 20
    assert not [requirement for requirement in needed if "pedalboard" in requirement]


def test_the_examples_in_the_readme_build():
    (text,) = re.findall(r"```json\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    registry = voxstack.Registry({"pedalboard": voxstack_pedalboard})
    for line in text.splitlines():
        voxstack.build(json.loads(line), registry=registry).load(addon())
