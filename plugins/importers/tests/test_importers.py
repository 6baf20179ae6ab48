from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import voxstack_importers
from voxstack_cli.main import main
from voxstack_importers import IMPORTERS, import_voice
from voxstack_packager import PackagingError

ROOT = Path(__file__).parents[1]


def test_importing_it_is_cheap():
    heavy = "torch", "onnx", "onnxruntime", "transformers", "numpy"
    code = "import sys, voxstack_importers, voxstack_importers.command; "
    code += f"print(*(name for name in {heavy!r} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_is_announced():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["voxstack.commands"] == {"import": "voxstack_importers.command:command"}


def test_help_lists_every_importer_with_what_it_accepts(capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["import", "--help"])
    shown = " ".join(capsys.readouterr().out.split())
    for name, importer in IMPORTERS.items():
        assert f" {name} {importer.accepts}" in shown
        assert all(f"--{option.replace('_', '-')} " in shown for option in importer.options)


def test_every_importer_is_cheap_to_import_and_in_the_readme():
    readme = (ROOT / "README.md").read_text()
    for name, importer in IMPORTERS.items():
        heavy = "torch", "onnx", "transformers"
        loaded = f"*(name for name in {heavy!r} if name in sys.modules)"
        code = f"import sys, {importer.module} as m; print(callable(m.convert), {loaded})"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert done.stdout.split() == ["True"], "heavy packages are imported where they are used"
        assert f"`{name}`" in readme


def test_what_does_not_exist_is_named_in_the_error(tmp_path):
    with pytest.raises(PackagingError, match="there is no importer 'pipper'; choose from "):
        import_voice("pipper", tmp_path, tmp_path / "out")
    with pytest.raises(PackagingError, match=r"there is no .*nothing.*; give a Piper voice"):
        import_voice("piper", tmp_path / "nothing", tmp_path / "out")
    with pytest.raises(PackagingError, match="import piper: has no option 'colour'; it has name, "):
        import_voice("piper", tmp_path, tmp_path / "out", colour="red")
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        voxstack_importers.nothing  # noqa: B018


def test_the_shell_reports_what_is_wrong(tmp_path, capsys):
    assert main(["import", "piper", str(tmp_path / "nothing"), "--out", str(tmp_path / "out")]) == 1
    assert "error: import piper: there is no" in capsys.readouterr().err
