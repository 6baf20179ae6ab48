"""Entry points are read once for a set of installed distributions, and anew when it changes."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import importlib_metadata
import pytest

from voxstack import entry_points as module
from voxstack.entry_points import EntryPoint, installed_entry_points


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder on the path in which nothing is new, with the distribution ``first``."""
    monkeypatch.setenv("VOXSTACK_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(sys, "path", [str(tmp_path / "site")])
    install(tmp_path / "site", "first", "gain = first_plugin")
    return tmp_path / "site"


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[None]]:
    """Return a list that grows when the metadata of distributions is read; each call is that of a new process."""
    read: list[None] = []
    real = importlib_metadata.entry_points
    monkeypatch.setattr(importlib_metadata, "entry_points", lambda: (read.append(None), real())[1])
    monkeypatch.setattr(module, "installed_entry_points", installed_entry_points.__wrapped__)
    yield read
    installed_entry_points.cache_clear()


def install(site: Path, name: str, *points: str, age: float = 60.0) -> Path:
    info = site / f"{name}-1.0.dist-info"
    info.mkdir(parents=True, exist_ok=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("\n".join(["[voxstack]", *points, "[console_scripts]", "other = x:y"]))
    then = time.time() - age
    os.utime(info / "entry_points.txt", (then, then))
    return info


def names() -> list[str]:
    return [point.name for point in module.select_entry_points("voxstack")]


def test_they_are_read_once(site: Path, reads: list[None]) -> None:
    for _ in range(3):
        assert list(module.select_entry_points("voxstack")) == [EntryPoint("voxstack", "gain", "first_plugin", "first")]
    assert len(reads) == 1
    assert not list(module.select_entry_points("console_scripts")), "only those of voxstack are kept"


def test_a_change_is_seen(site: Path, reads: list[None]) -> None:
    assert names() == ["gain"]
    second = install(site, "second", "noise = second_plugin")
    assert sorted(names()) == ["gain", "noise"]
    install(site, "first", "limiter = first_plugin", age=50.0)
    assert sorted(names()) == ["limiter", "noise"]
    shutil.rmtree(second)
    assert names() == ["limiter"]
    assert len(reads) == 4


def test_what_was_just_written_is_not_kept(site: Path, reads: list[None]) -> None:
    install(site, "second", "noise = second_plugin", age=0.0)
    assert names()
    assert names()
    assert len(reads) == 2, "a second change within the resolution of times could not be seen"


def test_a_damaged_file_is_read_anew(site: Path, reads: list[None], tmp_path: Path) -> None:
    assert names()
    (kept,) = (tmp_path / "cache" / "entry_points").iterdir()
    for damage in ("", "[1]", '[["voxstack"]]', "\0"):
        kept.write_text(damage)
        assert names() == ["gain"]
    assert len(reads) == 5


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="folders have no modes here")
def test_what_others_could_have_written_is_not_believed(site: Path, reads: list[None], tmp_path: Path) -> None:
    assert names()
    (tmp_path / "cache" / "entry_points").chmod(0o777)
    assert names() == ["gain"]
    assert len(reads) == 2


def test_where_distributions_are_found_otherwise_they_are_read_anew(
    site: Path, reads: list[None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = tmp_path / "more.zip"
    archive.write_bytes(b"PK")
    monkeypatch.setattr(sys, "path", [str(archive), str(site)])
    assert names() == names() == ["gain"]
    monkeypatch.setattr(sys, "path", [str(tmp_path / "missing"), str(site)])
    monkeypatch.setattr(sys, "meta_path", [type("Finder", (), {"find_distributions": None}), *sys.meta_path])
    assert names() == names() == ["gain"]
    assert len(reads) == 4
    assert not (tmp_path / "cache").exists()


def test_extras_are_no_part_of_what_is_imported() -> None:
    assert EntryPoint("voxstack.api", "dedent", "textwrap:dedent [more]", "x").load().__name__ == "dedent"
    assert EntryPoint("voxstack", "textwrap", "textwrap [more]", "x").load().__name__ == "textwrap"


def test_a_module_that_cannot_be_imported_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / "__init__.py").write_text("")
    (tmp_path / "half" / "plugin.py").write_text("import nowhere_to_be_found")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="nowhere_to_be_found"):
        EntryPoint("voxstack", "half", "half.plugin", "half").load()
