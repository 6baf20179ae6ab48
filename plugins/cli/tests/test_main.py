from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tiny import plugin

import voxstack
import voxstack_cli
from voxstack import Registry
from voxstack_cli import discovery
from voxstack_cli.main import main


def commanding(name: str, run: Any) -> Any:
    """A plugin with one command."""

    @voxstack.hookimpl
    def voxstack_commands(commands: Any) -> None:
        commands.add_parser(name, help=f"does {name}").set_defaults(run=run)

    return SimpleNamespace(voxstack_commands=voxstack_commands)


def test_it_is_a_plugin_like_any_other() -> None:
    registry = Registry({"cli": voxstack_cli})
    assert registry.broken == {}
    assert registry.hook.voxstack_commands.get_hookimpls()


def test_commands_of_other_plugins_run_and_are_in_the_help(capsys: Any) -> None:
    registry = Registry(
        {"cli": voxstack_cli, "more": commanding("greet", lambda options: 7 if options.registry is registry else 0)}
    )
    assert main(["greet"], registry) == 7
    with pytest.raises(SystemExit) as left:
        main(["--help"], registry)
    assert left.value.code == 0
    told = capsys.readouterr().out
    assert "does greet" in told
    assert "speak a text" in told


def test_plugins_that_cannot_add_commands_are_reported(capsys: Any) -> None:
    def voxstack_commands(commands: Any) -> Any:
        raise RuntimeError("no licence key")

    bad = plugin(voxstack_commands=voxstack_commands)
    registry = Registry(
        {"bad": bad, "thief": commanding("say", print), "good": commanding("greet", lambda options: None)}
    )
    assert main(["greet"], registry) == 0
    errors = capsys.readouterr().err
    assert "plugin 'bad' cannot add its commands: RuntimeError('no licence key')" in errors
    assert "plugin 'thief' cannot add its commands" in errors


def test_no_command_is_wrong_usage(capsys: Any) -> None:
    assert main([], Registry({})) == 2
    assert "speak a text" in capsys.readouterr().err


def test_an_unknown_command_is_wrong_usage(capsys: Any) -> None:
    with pytest.raises(SystemExit) as left:
        main(["sing"], Registry({}))
    assert left.value.code == 2
    assert "invalid choice: 'sing'" in capsys.readouterr().err


def test_version(monkeypatch: Any, capsys: Any) -> None:
    monkeypatch.setattr("importlib.metadata.version", lambda name: f"9.9 of {name}")
    with pytest.raises(SystemExit):
        main(["--version"], Registry({}))
    assert capsys.readouterr().out == "voxstack 9.9 of voxstack-cli\n"


def test_only_plugins_that_speak_of_commands_are_imported(tmp_path: Path, monkeypatch: Any, capsys: Any) -> None:
    marker = "import pluggy\nmark = pluggy.HookimplMarker('voxstack')\n"
    adds = "    commands.add_parser('greet', help='does greet').set_defaults(run=lambda options: 7)\n"
    (tmp_path / "with_command.py").write_text(f"{marker}@mark\ndef voxstack_commands(commands):\n{adds}")
    (tmp_path / "without_command.py").write_text("raise SystemError('imported')\n")
    (tmp_path / "broken_command.py").write_text("import nowhere  # voxstack_commands\n")
    names = ["with_command", "without_command", "broken_command", "never_written"]
    monkeypatch.syspath_prepend(tmp_path)
    points = [EntryPoint(name, name, "voxstack") for name in names]
    monkeypatch.setattr(discovery, "entry_points", lambda group: points if group == "voxstack" else [])
    assert main(["greet"]) == 7
    errors = capsys.readouterr().err
    assert "imported" not in errors
    assert "plugin 'broken_command' (unknown) is broken: ModuleNotFoundError" in errors
    assert "plugin 'never_written' (unknown) is broken: ModuleNotFoundError" in errors
    assert "without_command" not in sys.modules


@pytest.mark.parametrize("argv", [["--help"], ["say", "--help"], ["--version"]])
def test_help_imports_nothing_heavy(argv: list[str]) -> None:
    script = (
        "import atexit, sys\n"
        "heavy = {'numpy', 'voxstack', 'jsonschema', 'tqdm', 'sounddevice'}\n"
        "from voxstack_cli import discovery\n"
        "discovery.entry_points = lambda group: []\n"  # what else is installed here is not the subject
        "from voxstack_cli.main import main\n"
        "atexit.register(lambda: print(*sorted(heavy & set(sys.modules)), file=sys.stderr))\n"
        f"main({argv!r})"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout
    assert done.stderr.strip() == ""


def test_the_entry_points_name_what_there_is() -> None:
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
    for value in (*project["scripts"].values(), *project["entry-points"]["voxstack"].values()):
        assert EntryPoint("x", value, "voxstack").load() is not None
