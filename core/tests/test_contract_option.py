"""``pytest --voxstack-contract``: a stranger's installed plugin is tried without a test being written."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PLUGIN = '''
from dataclasses import dataclass
import numpy as np
import voxstack


@dataclass
class Invert(voxstack.StreamableBlock):
    """Inverts the sign of a stream."""

    lookback = 0

    def stream(self, source, utterance):
        for chunk in source:
            yield -chunk


@dataclass
class Rounded(voxstack.SequenceBlock):
    """Rounds durations, in place."""

    needs = gives = frozenset({"durations"})

    def __call__(self, utterance):
        durations = utterance["durations"]
        np.round(durations, out=durations)
        return {"durations": durations}


@dataclass
class Weighted(voxstack.SequenceBlock):
    """Gives the weighted length of a text.

    :param weight: of each character.
    """

    weight: float
    needs = frozenset({"text"})
    gives = frozenset({"length"})

    def __call__(self, utterance):
        return {"length": self.weight * len(utterance["text"])}


@dataclass
class Strange(voxstack.SequenceBlock):
    """Reads a name that only its own plugin knows."""

    needs = frozenset({"strange"})

    gives = frozenset({"stranger"})

    def __call__(self, utterance):
        return {"stranger": utterance["strange"]}


@voxstack.hookimpl
def voxstack_blocks():
    return [Invert, Rounded, Weighted, Strange]


@voxstack.hookimpl
def voxstack_wrap_network(network, spec, context):
    return lambda **tensors: {**network(**tensors)}
'''
CASES = """

@voxstack.hookimpl
def voxstack_contract_cases():
    from voxstack.testing import Case

    return [Case(Weighted(2.0), {"text": "abc"}), Case(Weighted(0.5), {"text": ""}), Case(Strange(), {"strange": 1})]
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Install a plugin by hand: its module and its metadata."""
    folder = tmp_path / "site"
    info = folder / "stranger-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: stranger\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[voxstack]\nstranger = stranger_blocks\n")
    (folder / "stranger_blocks.py").write_text(PLUGIN)
    return folder


def run(site: Path, *arguments: str) -> str:
    path = os.pathsep.join([str(site), *filter(None, [os.environ.get("PYTHONPATH")])])
    plugin = [] if "voxstack_contract" in installed_plugins() else ["-p", "voxstack_contract"]
    command = [sys.executable, "-m", "pytest", *plugin, "-p", "no:cacheprovider", "-rsf", *arguments]
    done = subprocess.run(command, cwd=site, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True)
    return done.stdout + done.stderr


def installed_plugins() -> set[str]:
    import importlib_metadata

    return {point.value for point in importlib_metadata.entry_points(group="pytest11")}


def test_all_of_a_plugin_is_tried_and_its_fault_named(site: Path) -> None:
    written = run(site, "-q", "--voxstack-contract", "stranger", "-k", "not wrapper")
    assert "Rounded-leaves_the_utterance_alone: writes into the utterance that it was handed" in written
    assert "FAILED stranger::Rounded-leaves_the_utterance_alone" in written
    assert written.count("FAILED") == 1, written
    assert "its field 'weight' has no default; give a case by the hook voxstack_contract_cases" in written
    assert "there is no default input for ['strange'], which it needs; give a case by the hook" in written


def test_cases_of_the_hook_are_tried(site: Path) -> None:
    with (site / "stranger_blocks.py").open("a") as file:
        file.write(CASES)
    written = run(site, "-v", "--voxstack-contract", "stranger", "-k", "Weighted or Strange or wrapper-frames")
    assert "stranger::Weighted#2-gives_what_it_says PASSED" in written
    assert "stranger::Strange-names_all_it_needs PASSED" in written
    assert "stranger::stranger-wrapper-frames-wrapper_passes_errors_on PASSED" in written
    assert "FAILED" not in written, written


def test_a_name_that_is_not_installed_is_an_error_with_the_closest_one(site: Path) -> None:
    written = run(site, "--voxstack-contract", "strangr")
    assert "no distribution named 'strangr' brings a plugin of voxstack; did you mean 'stranger'?" in written


def test_files_are_collected_beside_it_only_if_they_are_named(site: Path) -> None:
    (site / "test_own.py").write_text("def test_own(): pass\n")
    assert "test_own" not in run(site, "-v", "--voxstack-contract", "stranger", "-k", "own or described")
    assert "test_own.py::test_own PASSED" in run(
        site, "-v", "--voxstack-contract", "stranger", "test_own.py", "-k", "own"
    )


def test_without_the_option_the_plugin_imports_nothing_of_voxstack() -> None:
    code = (
        "import sys, voxstack_contract; print([name for name in sys.modules if name.partition('.')[0] == 'voxstack'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
