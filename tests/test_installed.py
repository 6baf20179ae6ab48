"""The real installation: every plugin of this repository is there, and finding them imports nothing heavy."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import tomllib
import typing
from importlib.metadata import distribution
from pathlib import Path

import pytest

import voxstack

ROOT = Path(__file__).parent.parent
MEMBERS = sorted([ROOT / "core", ROOT / "addon_spec", *(p.parent for p in (ROOT / "plugins").glob("*/pyproject.toml"))])
BLOCKS = {
    *(
        "SequenceBlockContainer",
        "StreamableStack",
        "StreamablePipeline",
        "Text",
        "Sentences",
        "Encoders",
        "CustomizedEncoders",
    ),
    *(
        "Upsampler",
        "Expand",
        "WholeFrames",
        "Decoder",
        "InverseSTFT",
        "Gain",
        "Pace",
        "Resample",
        "Limiter",
        "Probe",
        "Stopwatch",
        "Iterate",
        "Length",
        "Lexicon",
        "MarkedPhonemes",
        "Rewrite",
    ),
}


def project(member: Path) -> dict:
    return tomllib.loads((member / "pyproject.toml").read_text())["project"]


def required() -> dict:
    """Return the table with what the meta-distribution requires, which hatch_build.py resolves."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["metadata"]["hooks"]["custom"]


def test_no_plugin_is_broken_and_all_blocks_are_there() -> None:
    registry = voxstack.Registry.installed()
    assert registry.broken == {}
    assert set(registry) >= BLOCKS
    for name in registry:
        assert registry[name].__name__ == name
    assert registry.addons().keys() >= {"amber", "prism"}


def test_whole_numbers_of_blocks_have_limits() -> None:
    """An addon may set them, so that nothing grows with them without a bound."""
    registry = voxstack.Registry.installed()
    for name in registry:
        hints = typing.get_type_hints(registry[name])
        for field in dataclasses.fields(registry[name]):
            if field.init and hints[field.name] in (int, int | None):
                assert {"minimum", "maximum"} <= field.metadata.keys(), f"{name}.{field.name}"


@pytest.mark.parametrize("member", MEMBERS, ids=lambda member: member.name)
def test_every_member_is_installed_in_this_version(member: Path) -> None:
    config = project(member)
    assert config["version"] == project(ROOT)["version"]
    assert distribution(config["name"]).version == config["version"]


def test_one_install_brings_every_member() -> None:
    config = required()
    extras = config["optional-dependencies"]
    kinds = (
        "effects", "espeak", "flite", "grade", "japanese", "openvino", "pedalboard", "plot", "ray", "serve", "torch",
    )  # fmt: skip
    brought = [*config["dependencies"], *(line for kind in kinds for line in extras[kind])]
    names = {line.split(" @ ")[0].split("[")[0] for line in brought}
    assert names == {project(member)["name"] for member in MEMBERS}
    listed = {
        line.removeprefix("-e ./")
        for line in (ROOT / "requirements-dev.txt").read_text().splitlines()
        if line.startswith("-e")
    }
    assert listed == {member.relative_to(ROOT).as_posix() for member in MEMBERS}


def test_the_core_needs_four_packages() -> None:
    names = {line.split(">=")[0].split("==")[0] for line in project(ROOT / "core")["dependencies"]}
    assert names == {"pluggy", "importlib-metadata", "numpy", "jsonschema", "voxstack-addon-spec"}


def test_finding_all_plugins_imports_nothing_heavy() -> None:
    heavy = ["torch", "onnxruntime", "openvino", "onnx", "scipy", "soxr", "inflect", "jsonschema", "sounddevice"]
    find = "r = voxstack.Registry.installed(); assert not r.broken, r.broken"
    code = f"import sys, voxstack; {find}; print([m for m in {heavy} if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "[]"


def test_speaking_imports_no_torch() -> None:
    code = "import sys, voxstack; voxstack.load('amber').synthesize('Hello.'); print('torch' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
        == "False"
    )
