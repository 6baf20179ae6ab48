"""What is known to be valid is not validated again, and nothing else is known."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from voxstack_addon_spec import AddonError, files, known_valid, open_addon
from voxstack_addon_spec.user_cache import cache_folder


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VOXSTACK_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "valid"


@pytest.fixture
def validated(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the list of contents that are validated from now on."""
    names: list[str] = []
    validate = files.validate_config

    def record(config: object, where: str) -> None:
        names.append(where)
        validate(config, where)

    monkeypatch.setattr(files, "validate_config", record)
    return names


def test_a_valid_content_is_validated_once(cache: Path, validated: list[str], folder: Path) -> None:
    for _ in range(3):
        open_addon(folder).close()
    assert len(validated) == 1
    config = json.loads((folder / "addon.json").read_text())
    (folder / "addon.json").write_text(json.dumps({**config, "description": "Another one."}))
    open_addon(folder).close()
    assert len(validated) == 2
    assert len(list(cache.iterdir())) == 2


def test_what_is_invalid_is_never_known(cache: Path, validated: list[str], folder: Path) -> None:
    config = json.loads((folder / "addon.json").read_text())
    (folder / "addon.json").write_text(json.dumps({**config, "hop_length": 0}))
    for _ in range(2):
        with pytest.raises(AddonError, match="hop_length"):
            open_addon(folder)
    assert len(validated) == 2
    assert not cache.exists()


def test_other_rules_know_nothing(
    cache: Path, validated: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_addon(folder).close()
    monkeypatch.setattr(known_valid, "_rules", lambda: "those of a newer version")
    open_addon(folder).close()
    assert len(validated) == 2


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="folders have no modes here")
def test_what_others_could_have_written_is_not_believed(cache: Path, validated: list[str], folder: Path) -> None:
    open_addon(folder).close()
    cache.chmod(0o777)
    for _ in range(2):
        open_addon(folder).close()
    assert len(validated) == 3


@pytest.mark.parametrize("where", ["", "file"])
def test_without_a_cache_everything_is_validated(
    where: str, tmp_path: Path, validated: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("VOXSTACK_CACHE", where and str(tmp_path / where))
    for _ in range(2):
        open_addon(folder).close()
    assert len(validated) == 2


def test_the_oldest_are_forgotten(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_valid, "MAX_KNOWN", 10)
    for number in range(11):
        known_valid.remember(str(number))
        os.utime(cache / known_valid._name(str(number)), (number, number))
    known_valid.remember("newest")
    assert [n for n in range(11) if known_valid.is_known(str(n))] == [6, 7, 8, 9, 10]
    assert known_valid.is_known("newest")


def test_where_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("VOXSTACK_CACHE", raising=False)
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path))
    assert cache_folder("valid") == tmp_path / "voxstack" / "valid"

    def homeless() -> Any:
        raise RuntimeError("Could not determine home directory.")

    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name)
    monkeypatch.setattr(Path, "home", homeless)
    assert cache_folder("valid") is None
