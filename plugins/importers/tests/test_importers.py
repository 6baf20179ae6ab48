from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import voxstack_importers
from voxstack.entry_points import EntryPoint
from voxstack_cli.main import main
from voxstack_importers import IMPORTERS, Importer, import_voice
from voxstack_importers.importers import installed_importers
from voxstack_packager import PackagingError

ROOT = Path(__file__).parents[1]
GOOD = Importer("good.converting", "a good voice")
LOAD = EntryPoint.load


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


def test_importers_of_other_distributions_are_found_and_broken_ones_reported(monkeypatch, capsys):
    good, fine = f"{__name__}:GOOD", "voxstack_importers:IMPORTERS"
    points = [
        EntryPoint("voxstack.importers", "good", good, "voxstack-good"),
        EntryPoint("voxstack.importers", "wrong", fine, "voxstack-wrong"),
        EntryPoint("voxstack.importers", "absent", "no_such_module:X", "voxstack-absent"),
        EntryPoint("voxstack.importers", "piper", good, "voxstack-other"),
    ]
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: points)
    monkeypatch.setattr("voxstack.entry_points.select_entry_points", lambda group: points)
    monkeypatch.setattr(EntryPoint, "load", lambda point: GOOD if point.value == good else LOAD(point))
    installed_importers.cache_clear()
    try:
        found = installed_importers()
    finally:
        installed_importers.cache_clear()
    assert {*found} == {*IMPORTERS, "good"}
    assert found["piper"] is IMPORTERS["piper"]
    wrong, absent, piper = capsys.readouterr().err.splitlines()
    assert "'wrong' of voxstack-wrong is left out: voxstack_importers:IMPORTERS is a dict, and must be a" in wrong
    assert "'absent' of voxstack-absent is left out: ModuleNotFoundError" in absent
    assert "'piper' of voxstack-other is left out: there is another one of that name" in piper
