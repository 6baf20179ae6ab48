"""Every mistake of the first hour gives one line that says what to do; the page lists them all."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from first_hour import ADDONS, BLOCKS, GROUPS, PYTHON, Mistake, page

import voxstack
from voxstack import ContextError, Registry, VoxstackError
from voxstack_cli.main import main

ROOT = Path(__file__).parent.parent
EVERY = [mistake for mistakes in GROUPS.values() for mistake in mistakes]
COMMANDS = [mistake for mistake in EVERY if mistake.run is None]
CALLS = [mistake for mistake in EVERY if mistake.run is not None and mistake not in ADDONS]


def written(mistake: Mistake) -> str:
    return mistake.written


@pytest.fixture(scope="module")
def voice() -> voxstack.Voice:
    return voxstack.load("amber")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the current folder, with a few texts."""
    monkeypatch.chdir(tmp_path)
    Path("notes.txt").write_text("Hello.\n")
    Path("latin.txt").write_bytes("Grüße".encode("latin-1"))
    return tmp_path


@pytest.fixture
def taken_port() -> Iterator[int]:
    """Return a port at which another program listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture(scope="module")
def addon(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the default voice."""
    copied = tmp_path_factory.mktemp("addons") / "amber"
    shutil.copytree(Registry.installed().addon("amber"), copied)
    return copied


@pytest.mark.parametrize("mistake", COMMANDS, ids=written)
def test_a_command_gives_one_line(mistake: Mistake, folder: Path, taken_port: int, capfd: Any) -> None:
    words = shlex.split(mistake.written.replace("TAKEN", str(taken_port)))
    try:
        status = main(words[1:])
    except SystemExit as end:
        status = int(end.code or 0)
    (line,) = capfd.readouterr().err.splitlines()
    assert re.match(r"voxstack( \w+)?: error: ", line)
    assert mistake.remedy in line
    assert status in (1, 2)
    assert sorted(path.name for path in folder.iterdir()) == ["latin.txt", "notes.txt"]


@pytest.mark.parametrize("mistake", CALLS, ids=written)
def test_a_call_raises_one_line(mistake: Mistake, voice: voxstack.Voice, folder: Path) -> None:
    assert mistake.run is not None
    with pytest.raises(VoxstackError) as caught:
        mistake.run(voice)
    check(str(caught.value), mistake)


@pytest.mark.parametrize("mistake", ADDONS, ids=written)
def test_an_addon_raises_one_line(mistake: Mistake, addon: Path) -> None:
    config = json.loads((Registry.installed().addon("amber") / "addon.json").read_text("utf-8"))
    assert mistake.run is not None
    config["spec_version"] = 3
    mistake.run(config)
    (addon / "addon.json").write_text(json.dumps(config))
    with pytest.raises(VoxstackError) as caught:
        voxstack.load(addon).synthesize("Hi.")
    check(str(caught.value), mistake)


def check(message: str, mistake: Mistake) -> None:
    assert mistake.remedy in message
    assert "\n" not in message
    assert ".part" not in message


@pytest.mark.parametrize("context", ["gpu", "onnx:gpu", "onx:cpu", {"runtime": "onnx", "thread": 1}], ids=str)
def test_a_context_that_is_unavailable_is_a_context_error(context: Any) -> None:
    with pytest.raises(ContextError) as caught:
        voxstack.load("amber", context=context)
    assert not str(caught.value).startswith("stack")


def test_there_are_at_least_forty_and_the_page_has_them_all() -> None:
    assert len({mistake.written for mistake in EVERY}) == len(EVERY) >= 110, "the README states how many"
    assert (ROOT / "plugins" / "cli" / "ERRORS.md").read_text("utf-8") == page(), (
        "write it again: python tests/support/first_hour.py > plugins/cli/ERRORS.md"
    )
    assert {id(PYTHON), id(BLOCKS)} <= {id(group) for group in GROUPS.values()}


HINT = re.compile(r"pip install (?:-U )?[\\'\"]*(?P<name>[A-Za-z0-9{][\w.\-{}]*)")
OTHERS = {
    "espeakng-loader",
    "misaki",
    "onnxruntime",
    "openvino",
    "piper-tts",
    "torch",
    "{provider.package}",
    "{home}",
    "{_HOMES",
    "{_EXTRAS.get",
}
"""Distributions of others that hints name, and those that hints take from a table of names."""


def test_hints_name_distributions_that_exist() -> None:
    own = {match[1] for path in ROOT.glob("**/pyproject.toml") for match in [NAME.search(path.read_text())] if match}
    known = own | OTHERS
    named = set()
    for path in [
        *ROOT.glob("core/src/**/*.py"),
        *ROOT.glob("addon_spec/src/**/*.py"),
        *ROOT.glob("plugins/*/src/**/*.py"),
    ]:
        named |= {match["name"] for match in HINT.finditer(path.read_text("utf-8"))}
    assert {name.rstrip(".") for name in named} - known == set()


NAME = re.compile(r'^name = "([\w.-]+)"', re.MULTILINE)
