"""Names of new plugins: what they become, and which are refused."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import voxstack
from voxstack_cli.main import main
from voxstack_scaffold.kinds import KINDS
from voxstack_scaffold.names import RESERVED, Names, ScaffoldError
from voxstack_scaffold.writing import write

ROOT = Path(__file__).parents[3]
REGISTRY = voxstack.Registry({})


@pytest.mark.parametrize(
    ("kind", "distribution", "package"),
    [
        ("block", "voxstack-slow-robot", "voxstack_slow_robot"),
        ("runtime", "voxstack-slow-robot-runtime", "voxstack_slow_robot_runtime"),
        ("importer", "voxstack-slow-robot-importer", "voxstack_slow_robot_importer"),
        ("voice", "voxstack-voice-slow-robot", "voxstack_voice_slow_robot"),
    ],
)
def test_one_name_gives_all(kind: str, distribution: str, package: str) -> None:
    for name in ("slow-robot", "slow_robot", "voxstack-slow-robot"):
        names = Names.of(KINDS[kind], name, REGISTRY)
        assert (names.distribution, names.package) == (distribution, package)
        assert (names.module, names.title) == ("slow_robot", "SlowRobot")


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("Robot", "such as 'robot'"),
        ("SlowRobot", "such as 'slow-robot'"),
        ("slow robot", "such as 'slow-robot'"),
        ("9lives", "such as 'lives'"),
        ("", "such as 'robot'"),
        ("../robot", "such as 'robot'"),
        ("roboter-größe", "such as"),
        ("a" * 41, f"such as '{'a' * 40}'"),
        ("robot-", "such as 'robot'"),
    ],
)
def test_what_cannot_be_a_name_is_refused_with_one_that_can(name: str, advice: str) -> None:
    with pytest.raises(ScaffoldError, match=f"cannot be its name; write at most 40.*{advice}") as caught:
        Names.of(KINDS["block"], name, REGISTRY)
    if found := re.search(r"such as '(.*)'$", str(caught.value)):
        Names.of(KINDS["block"], found[1], REGISTRY)


@pytest.mark.parametrize(
    ("kind", "name", "problem"),
    [
        ("block", "class", "it is a word of Python"),
        ("block", "none", "its class would be called None, which has a meaning already"),
        ("block", "block", "its class would be called Block, which has a meaning already"),
        ("block", "core", "voxstack-core .* is installed already"),
        ("block", "serve", "voxstack-serve is a distribution of voxstack itself"),
        ("runtime", "torch", "voxstack-torch-runtime is a distribution of voxstack itself"),
        ("voice", "amber", "voxstack-voice-amber .* is installed already"),
        ("block", "gain", "there is a block Gain already, of voxstack-dsp"),
        ("block", "amber", "an addon amber is installed already"),
    ],
)
def test_names_that_are_taken_are_refused(kind: str, name: str, problem: str) -> None:
    with pytest.raises(ScaffoldError, match=f"^new {kind} {name}: {problem}.*; choose another"):
        Names.of(KINDS[kind], name)


def test_a_runtime_of_a_device_that_is_there_is_taken() -> None:
    class Acme:
        @voxstack.hookimpl
        def voxstack_devices(self) -> list[str]:
            return ["acme:0"]

    with pytest.raises(ScaffoldError, match="there is a runtime acme already"):
        Names.of(KINDS["runtime"], "acme", voxstack.Registry({"acme": Acme()}))


def test_all_distributions_of_voxstack_are_reserved() -> None:
    hook = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["metadata"]["hooks"]["custom"]
    brought = {line.partition(" @ ")[0] for line in hook["dependencies"]}
    members = {tomllib.loads(path.read_text())["project"]["name"] for path in ROOT.glob("plugins/*/pyproject.toml")}
    assert members - brought == {f"voxstack-{name}" for name in RESERVED}


def test_what_exists_is_never_touched(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "robot").mkdir()
    (tmp_path / "robot" / "mine").touch()
    assert main(["new", "block", "robot", "--into", str(tmp_path)]) == 1
    assert "robot exists; choose another name, or another place by --into DIR" in capsys.readouterr().err
    assert [path.name for path in tmp_path.rglob("*")] == ["robot", "mine"]


def test_a_folder_that_cannot_be_written_is_reported_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ScaffoldError, match=r"cannot be written: .*; name another place by --into DIR"):
        write(tmp_path / "file" / "robot", {"a": b""})
    with pytest.raises(ScaffoldError, match="cannot be written"):
        write(tmp_path / "robot", {"a": b"", "a/b": b""})
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(
    ("like", "problem"), [("prism", "prism only lends networks; name a voice"), ("ambre", "did you mean 'amber'")]
)
def test_a_voice_is_made_like_a_voice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], like: str, problem: str
) -> None:
    assert main(["new", "voice", "ruby", "--like", like, "--into", str(tmp_path)]) == 1
    assert problem in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_importing_it_is_cheap() -> None:
    code = "import sys, voxstack_scaffold.command; print('voxstack' in sys.modules, 'numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
