"""Projects of other people, each with a build backend of its own: built, installed, tested and used elsewhere."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

STRANGERS = Path(__file__).parent / "strangers"
PROJECTS = sorted(path.parent.name for path in STRANGERS.glob("*/pyproject.toml"))


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy the projects, build a wheel of each in isolation, install these, and return the folder of it all."""
    work = tmp_path_factory.mktemp("strangers")
    for name in PROJECTS:
        shutil.copytree(STRANGERS / name, work / name)
    projects = [f"./{name}" for name in PROJECTS]
    run(work, "-m", "pip", "wheel", "-q", "--no-deps", "--wheel-dir", "wheels", *projects)
    wheels = sorted(path.relative_to(work).as_posix() for path in work.glob("wheels/*.whl"))
    assert len(wheels) == len(PROJECTS) == 2
    run(work, "-m", "pip", "install", "-q", "--no-index", "--no-deps", "--target", "site", *wheels)
    for name in PROJECTS:  # what is imported is what was installed
        for source in (*(work / name).glob("*.py"), *(work / name).glob("src")):
            source.unlink() if source.is_file() else shutil.rmtree(source)
    return work


def run(work: Path, *command: str) -> str:
    path = os.pathsep.join([str(work / "site"), *filter(None, [os.environ.get("PYTHONPATH")])])
    env = {**os.environ, "PYTHONPATH": path}
    done = subprocess.run([sys.executable, *command], cwd=work, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_their_tests_pass(work: Path) -> None:
    tests = [f"{name}/tests" for name in PROJECTS]
    shown = run(work, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", ".", *tests)
    assert "passed" in shown
    assert "skipped" not in shown


def test_an_importer_and_a_block_of_strangers_speak(work: Path) -> None:
    (work / "marine.morse").write_text("[key]\nwpm = 40\ntone = 700\n")
    assert "a Morse voice: a .morse file" in run(work, "-m", "voxstack_cli", "import", "--help")
    run(work, "-m", "voxstack_cli", "import", "marine.morse")
    run(work, "-m", "voxstack_cli", "say", "--voice", "./marine", "SOS", "--out", "sos.wav")
    assert (work / "sos.wav").stat().st_size > 8000
    assert "of the word PARIS" in run(work, "-m", "voxstack_cli", "blocks", "Morse")


def test_a_wrapper_and_a_command_of_strangers_work(work: Path) -> None:
    lines = dict(line.split() for line in run(work, "-m", "voxstack_cli", "callmeter", "Hello there.").splitlines())
    assert lines["encoder"] == "1"
    assert int(lines["vocoder"]) >= 1
