from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tomllib
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from voxstack import Registry
from voxstack_cli import discovery
from voxstack_cli.commands import OWN, own_command
from voxstack_cli.main import main


def command(name: str, run: Any) -> Any:
    """Return a command that only runs a function."""

    def add_arguments(parser: argparse.ArgumentParser) -> None:
        parser.set_defaults(run=run)

    add_arguments.__doc__ = f"Does {name}.\n\nAnd no more."
    return add_arguments


@pytest.fixture
def install(tmp_path: Path, monkeypatch: Any) -> Callable[..., None]:
    """Return a function that installs a distribution of one module; commands are ``name="module:function"``."""

    def install(distribution: str, module: str, source: str, **commands: str) -> None:
        site = tmp_path / distribution
        info = site / f"{distribution.replace('-', '_')}-1.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1\n")
        lines = [f"{name} = {value}\n" for name, value in commands.items()]
        (info / "entry_points.txt").write_text(f"[voxstack.commands]\n{''.join(lines)}")
        (site / f"{module}.py").write_text(source)
        sys.path.append(str(site))

    monkeypatch.setattr(sys, "path", list(sys.path))
    return install


GREET = """
def greet(parser):
    '''Greet people.'''
    parser.set_defaults(run=lambda options: {})
"""


def test_the_cli_announces_its_own_commands_like_any_other() -> None:
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
    announced = project["entry-points"]["voxstack.commands"]
    assert list(announced) == list(OWN)
    for name, value in announced.items():
        assert EntryPoint(name, value, "voxstack.commands").load() is own_command(name)


def test_commands_of_others_run_and_are_in_the_help(capsys: Any) -> None:
    registry = Registry({})
    commands = {"greet": command("greet", lambda options: 7 if options.registry is registry else 0)}
    assert main(["greet"], registry, commands) == 7
    with pytest.raises(SystemExit) as left:
        main(["--help"], registry, commands)
    assert left.value.code == 0
    output = capsys.readouterr().out
    assert "does greet\n" in output
    assert "synthesize text\n" in output
    with pytest.raises(SystemExit):
        main(["greet", "--help"], registry, commands)
    assert "Does greet. And no more.\n" in capsys.readouterr().out


def test_help_before_a_command_is_that_of_all_commands(capsys: Any) -> None:
    with pytest.raises(SystemExit):
        main(["--help", "say"], Registry({}), {"greet": command("greet", print)})
    assert "does greet\n" in capsys.readouterr().out


def test_a_command_that_cannot_add_its_arguments_is_reported(capsys: Any) -> None:
    def bad(parser: Any) -> Any:
        raise RuntimeError("no licence key")

    commands = {"bad": bad, "good": command("good", lambda options: None)}
    assert main(["good"], Registry({}), commands) == 0
    assert "the command 'bad' cannot add its arguments: RuntimeError('no licence key')" in capsys.readouterr().err


def test_only_the_command_that_runs_is_imported(install: Any, capsys: Any) -> None:
    install("voxstack-greet", "greet_command", GREET.format(7), greet="greet_command:greet")
    install("voxstack-other", "other_command", "raise SystemError('imported')", other="other_command:other")
    assert main(["greet"]) == 7
    assert capsys.readouterr().err == ""
    assert "other_command" not in sys.modules


def test_its_own_commands_read_no_entry_points(monkeypatch: Any, world: Any) -> None:
    monkeypatch.setattr(discovery, "entry_points", lambda group: pytest.fail("entry points were read"))
    assert main(["voices"], world) == 0


def test_commands_that_cannot_be_imported_are_reported_and_not_fatal(install: Any, capsys: Any) -> None:
    install("voxstack-good", "good_command", GREET.format(7), hello="good_command:greet")
    install("voxstack-broken", "broken_command", "import nowhere", broken="broken_command:add")
    install("voxstack-typo", "typo_command", GREET, typo="typo_command:gret")
    with pytest.raises(SystemExit) as left:
        main(["--help"])
    assert left.value.code == 0
    output, errors = capsys.readouterr()
    assert "greet people" in output
    assert "the command 'broken' of voxstack-broken is broken: ModuleNotFoundError" in errors
    assert "the command 'typo' of voxstack-typo is broken: AttributeError" in errors
    with pytest.raises(SystemExit) as left:
        main(["broken"])
    assert left.value.code == 2
    errors = capsys.readouterr().err
    assert errors.count("the command 'broken' of voxstack-broken is broken") == 1
    assert "there is no command 'broken'" in errors


def test_two_distributions_with_one_command_are_reported_and_the_first_is_used(install: Any, capsys: Any) -> None:
    install("voxstack-first", "first_command", GREET.format(1), greet="first_command:greet")
    install("voxstack-second", "second_command", GREET.format(2), greet="second_command:greet")
    assert main(["greet"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(
        "voxstack: two distributions provide the command 'greet': that of voxstack-first is used, and "
    )
    assert "that of voxstack-second is ignored" in line


def test_a_distribution_that_claims_a_command_of_the_cli_is_reported(install: Any, capsys: Any) -> None:
    install("voxstack-thief", "thief_command", GREET.format(2), voices="thief_command:greet")
    assert main(["voices"]) == 0
    capsys.readouterr()
    with pytest.raises(SystemExit):
        main(["--help"])
    output, errors = capsys.readouterr()
    assert "list installed voices" in output
    assert "'voices': that of voxstack-cli is used, and that of voxstack-thief is ignored" in errors
    assert "'say'" not in errors  # which the cli announces, too


def test_no_command_is_wrong_usage(capsys: Any) -> None:
    assert main([], Registry({}), {}) == 2
    assert "synthesize text" in capsys.readouterr().err


def test_an_unknown_command_is_wrong_usage(capsys: Any) -> None:
    with pytest.raises(SystemExit) as left:
        main(["sing"], Registry({}), {})
    assert left.value.code == 2
    assert "there is no command 'sing'" in capsys.readouterr().err


def test_version(monkeypatch: Any, capsys: Any) -> None:
    monkeypatch.setattr("importlib.metadata.version", lambda name: f"9.9 of {name}")
    with pytest.raises(SystemExit):
        main(["--version"], Registry({}), {})
    assert capsys.readouterr().out == "voxstack 9.9 of voxstack-cli\n"


@pytest.mark.parametrize("argv", [["--help"], ["say", "--help"], ["--version"]])
def test_help_imports_nothing_heavy(argv: list[str]) -> None:
    script = (
        "import atexit, sys\n"
        "heavy = {'numpy', 'voxstack', 'jsonschema', 'tqdm', 'sounddevice'}\n"
        "from voxstack_cli.main import main\n"
        "atexit.register(lambda: print(*sorted(heavy & set(sys.modules)), file=sys.stderr))\n"
        f"main({argv!r})"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout
    assert done.stderr.strip() == ""


def test_its_own_commands_import_no_other_command() -> None:
    script = "import sys\nfrom voxstack_cli.parser import make_parser\nmake_parser(['say'])\nprint(*sys.modules)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=True)
    commands = [name for name in done.stdout.split() if name.startswith("voxstack_cli.commands.")]
    assert commands == ["voxstack_cli.commands.say"]


def test_the_script_is_there() -> None:
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
    for value in project["scripts"].values():
        assert EntryPoint("x", value, "console_scripts").load() is not None
