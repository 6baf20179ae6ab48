"""What is known to be valid is not validated again, and nothing else is known."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from voxstack_addon_spec import AddonError, files, known_valid, onnx_files, open_addon
from voxstack_addon_spec.folder import FolderAddon
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


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the list of files that are hashed from now on."""
    names: list[str] = []
    chunks = FolderAddon.chunks

    def record(files: FolderAddon, name: str) -> Iterator[bytes]:
        names.append(name)
        return chunks(files, name)

    monkeypatch.setattr(FolderAddon, "chunks", record)
    return names


def _settle(monkeypatch: pytest.MonkeyPatch, seconds: float = 60.0) -> None:
    """Let files seem to have been written some time ago: nothing can set back when they changed."""
    now = time.time
    monkeypatch.setattr("voxstack_addon_spec.user_cache.time.time", lambda: now() + seconds)


def test_a_file_is_hashed_once(cache: Path, hashed: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(2):
        open_addon(folder).path("vocoder.onnx")
    assert len(hashed) == 2, "it has just been written: a change within the resolution of its times is not seen"
    _settle(monkeypatch)
    for _ in range(3):
        open_addon(folder).path("vocoder.onnx")
    assert len(hashed) == 3
    with open_addon(folder) as opened:
        opened.verify()
        opened.read("vocoder.onnx")
    assert hashed.count("vocoder.onnx") == 5, "who reads or verifies a file reads all of it"


def test_a_change_of_a_file_that_was_hashed_is_seen(
    cache: Path, hashed: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _settle(monkeypatch)
    path = folder / "vocoder.onnx"
    open_addon(folder).path("vocoder.onnx")
    times, data = path.stat(), path.read_bytes()
    time.sleep(0.02)  # longer than the resolution of the times of usual file systems
    path.write_bytes(bytes([data[0] ^ 1]) + data[1:])
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    with pytest.raises(AddonError, match=r"vocoder\.onnx"):
        open_addon(folder).path("vocoder.onnx")
    path.unlink()
    path.write_bytes(data)
    assert open_addon(folder).path("vocoder.onnx") == path
    assert len(hashed) == 3
    config = json.loads((folder / "addon.json").read_text())
    config["files"]["vocoder.onnx"]["size"] += 1
    (folder / "addon.json").write_text(json.dumps(config))
    with pytest.raises(AddonError, match=r"vocoder\.onnx: has .* bytes, but addon\.json lists"):
        open_addon(folder).path("vocoder.onnx")


def test_what_an_onnx_file_refers_to_is_read_once(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[object] = []
    real = onnx_files.data_problem
    monkeypatch.setattr(onnx_files, "data_problem", lambda *args: (read.append(args), real(*args))[1])
    _settle(monkeypatch)
    path = tmp_path / "empty.onnx"
    path.write_bytes(b"\x08\x08")
    for _ in range(2):
        assert onnx_files.file_problem(path, ["a.data"]) is None
    assert len(read) == 1
    assert onnx_files.file_problem(path, []) is None
    assert len(read) == 2, "other files may be allowed"
    path.write_bytes(b"\xff")
    for _ in range(2):
        assert onnx_files.file_problem(path, [])
    assert len(read) == 4


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
