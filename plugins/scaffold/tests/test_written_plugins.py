"""Plugins of every kind: written, installed with pip as wheels, tested by their own tests, and used from a shell."""

from __future__ import annotations

import os
import subprocess
import sys
import wave
from pathlib import Path

import pytest

from voxstack_cli.main import main

PLUGINS = {
    "robot": ("block",),
    "tilt": ("block", "--kind", "frames"),
    "slow-motion": ("block", "--kind", "sequence"),
    "beep": ("block", "--kind", "head"),
    "acme": ("runtime",),
    "knobs": ("importer",),
    "ruby": ("voice", "--like", "amber"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a plugin of every kind, install them all, and return the folder that they are in."""
    folder = tmp_path_factory.mktemp("plugins")
    for name, (kind, *options) in PLUGINS.items():
        assert main(["new", kind, name, "--into", str(folder), *options]) == 0
    site = ("--target", str(folder / "site"))
    pip = ("-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", *site, *(f"./{name}" for name in PLUGINS))
    assert run(folder, *pip).returncode == 0
    return folder


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([*filter(None, [os.environ.get("PYTHONPATH")]), str(folder / "site")])
    return subprocess.run(
        [sys.executable, *command], cwd=folder, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True
    )


def voxstack(folder: Path, *command: str) -> str:
    done = run(folder, "-m", "voxstack_cli", *command)
    assert done.returncode == 0, done.stderr
    return done.stdout


def seconds(path: Path) -> float:
    with wave.open(str(path)) as file:
        return file.getnframes() / file.getframerate()


def test_they_pass_their_own_tests(folder: Path) -> None:
    tests = [f"{name}/tests" for name in PLUGINS]
    done = run(
        folder, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", ".", "--import-mode=importlib", *tests
    )
    assert done.returncode == 0, done.stdout
    assert "skipped" not in done.stdout


@pytest.mark.parametrize("name", PLUGINS)
def test_their_code_is_clean(folder: Path, name: str) -> None:
    isolated = ("--isolated", "--line-length=120", "--no-cache")
    select = "E,F,W,I,UP,B,C4,D100,D101,D103,D205,D400,RET,SIM,ANN2"
    ruff = ("-m", "ruff", "check", *isolated, f"--select={select}", "--per-file-ignores=**/tests/**:D", ".")
    for command in (ruff, ("-m", "ruff", "format", *isolated, "--check", ".")):
        done = run(folder / name, *command)
        assert done.returncode == 0, done.stdout + done.stderr


def test_blocks_are_listed_and_heard(folder: Path) -> None:
    listed = voxstack(folder, "blocks")
    assert all(name in listed for name in ("Robot", "Tilt", "SlowMotion", "Beep"))
    assert "frequency of the sine, Hz" in voxstack(folder, "blocks", "Robot")
    places = {"robot": "Robot", "tilt": "Tilt@after=decoder", "slow-motion": "SlowMotion@before=Pace"}
    for name, insertion in places.items():
        voxstack(folder, "say", "--insert", insertion, "Hello there.", "--out", f"{name}.wav")
        assert seconds(folder / f"{name}.wav") > 0.5


def test_a_synthesizer_and_a_voice_are_listed_and_speak(folder: Path) -> None:
    listed = voxstack(folder, "voices")
    assert "beep 0.1.0  voice" in listed
    assert "ruby 0.1.0  voice" in listed
    for name in ("beep", "ruby"):
        voxstack(folder, "say", "--voice", name, "Hello there.", "--out", f"{name}.wav")
        assert seconds(folder / f"{name}.wav") > 0.5


def test_a_runtime_is_listed_and_speaks(folder: Path) -> None:
    assert "acme:cpu" in voxstack(folder, "contexts")
    voxstack(folder, "say", "--context", "acme:cpu", "Hello there.", "--out", "acme.wav")
    assert seconds(folder / "acme.wav") > 0.5


def test_an_importer_is_found(folder: Path) -> None:
    assert "knobs        a knobs voice: a .knobs file" in voxstack(folder, "import", "--help")
    voxstack(folder, "import", "knobs/example.knobs", "--out", "example")
    voxstack(folder, "say", "--voice", "./example", "Hello there.", "--out", "knobs.wav")
    assert seconds(folder / "knobs.wav") > 0.5


def test_a_voice_is_data_alone(folder: Path) -> None:
    files = {
        path.relative_to(folder / "ruby/src/voxstack_voice_ruby").as_posix() for path in folder.glob("ruby/src/**/*")
    }
    assert {name for name in files if name.endswith(".py")} == {"__init__.py"}
    required = (folder / "ruby/pyproject.toml").read_text()
    assert all(f'"voxstack-{name}>=' in required for name in ("voice-amber", "voice-prism", "text", "core"))
