"""Releases: every distribution as sdist and wheel, which an index accepts, and which speak when installed alone."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent


def load() -> Any:
    spec = importlib.util.spec_from_file_location("voxstack_release", ROOT / ".ci" / "release.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


release = load()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Return the files of a release."""
    return release.build_all(tmp_path_factory.mktemp("dist"))


def test_all_distributions_have_one_version_and_require_each_other_in_it() -> None:
    assert list(release.version_problems()) == []


def test_every_distribution_is_built_and_accepted(files: list[Path]) -> None:
    folders = release.distributions()
    assert len(files) == 2 * len(folders)
    release.twine_check(files)
    assert [problem for file in files if file.suffix == ".whl" for problem in release.wheel_problems(file)] == []
    names = {release.project(folder)["name"].replace("-", "_") for folder in folders}
    assert {file.name.partition("-")[0] for file in files if file.suffix == ".whl"} == names


def test_it_all_requires_members_by_version(files: list[Path]) -> None:
    version = release.project(ROOT)["version"]
    with zipfile.ZipFile(files[-1]) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith("METADATA")]
        lines = archive.read(name).decode().splitlines()
    required = [Requirement(line.partition(": ")[2]) for line in lines if line.startswith("Requires-Dist: voxstack")]
    assert {str(one.specifier) for one in required} == {f"=={version}"}
    assert {one.name for one in required} | {"voxstack"} == {
        release.project(folder)["name"] for folder in release.distributions()
    }


def test_templates_are_in_the_wheel(files: list[Path]) -> None:
    (wheel,) = [file for file in files if file.name.startswith("voxstack_scaffold") and file.suffix == ".whl"]
    source = ROOT / "plugins" / "scaffold" / "src"
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if name.endswith(".tmpl")}
    assert packed == {path.relative_to(source).as_posix() for path in source.rglob("*.tmpl")}


def test_wheels_alone_speak(files: list[Path], tmp_path: Path) -> None:
    site = tmp_path / "site"
    names = [release.project(folder)["name"] for folder in release.required()]
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-index", "--no-deps", "--find-links", files[0].parent]
    subprocess.run([*pip, "--target", site, *names], check=True)
    program = (
        "import json, voxstack, voxstack_text; r = voxstack.Registry.installed(); assert not r.broken, r.broken; "
        "v = voxstack.load('amber', registry=r); n = len(v.synthesize('Hello there.').samples); "
        "print(json.dumps([n, voxstack.__file__, voxstack_text.__file__, str(v.addon.files.location)]))"
    )
    env = {**os.environ, "PYTHONPATH": str(site)}
    done = subprocess.run([sys.executable, "-c", program], env=env, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    count, *places = json.loads(done.stdout)
    assert count > 8000
    assert all(Path(place).is_relative_to(site) for place in places)


def test_what_no_index_accepts_is_reported(tmp_path: Path) -> None:
    wheel = tmp_path / "bad-1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("bad-1.dist-info/METADATA", "Name: bad\nRequires-Dist: voxstack-core @ file:///core\n")
        archive.writestr("bad/tests/test_bad.py", "")
    first, second = release.wheel_problems(wheel)
    assert "requires an address, which no index accepts" in first
    assert "contains tests: bad/tests/test_bad.py" in second


def test_a_folder_with_other_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "old.whl").touch()
    with pytest.raises(SystemExit):
        release.main(["--out", str(tmp_path)])
    assert [path.name for path in tmp_path.iterdir()] == ["old.whl"]


def test_an_installation_from_here_builds_all_members_at_once(tmp_path: Path) -> None:
    """The meta-distribution names folders that hand out a wheel each, without a backend to install."""
    program = f"import json, hatchling.metadata.core as c, hatchling.plugin.manager as m; print(json.dumps(\
c.ProjectMetadata({str(ROOT)!r}, m.PluginManager()).core.dependencies))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    lines = [Requirement(line) for line in json.loads(done.stdout)]
    assert len(lines) > 20
    for line in lines:
        folder = Path(line.url.removeprefix("file://"))
        assert folder.parent == ROOT / "build" / "members"
        assert "requires = []" in (folder / "pyproject.toml").read_text()
    (dsp,) = [Path(line.url.removeprefix("file://")) for line in lines if line.name == "voxstack-dsp"]
    backend = f"import built_wheel; print(built_wheel.build_wheel({str(tmp_path)!r}))"
    subprocess.run([sys.executable, "-c", backend], cwd=dsp, check=True)
    assert [path.name.partition("-")[0] for path in tmp_path.iterdir()] == ["voxstack_dsp"]
