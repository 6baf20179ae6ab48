"""Addons that are folders: what the reader accepts, and the exact error for each mistake."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from voxstack_addon_spec import AddonError, NetworkSpec, file_entry, open_addon

FRESH_COPY = "get a fresh copy of the addon"
CHANGED_FILE = f"{FRESH_COPY} or, if you changed the file, update its entry in files"


def error_of(call: Any, *arguments: Any) -> AddonError:
    with pytest.raises(AddonError) as caught:
        call(*arguments)
    return caught.value


def test_reads_what_is_listed(folder: Path, config: dict[str, Any]):
    with open_addon(folder) as addon:
        assert addon.location == str(folder)
        assert addon.config == config
        assert addon.path("tables/lexicon.tsv") == folder.resolve() / "tables/lexicon.tsv"
        assert addon.read("vocoder.onnx") == b"a graph"
        addon.verify()


def test_takes_text_and_trailing_slash(folder: Path):
    addon = open_addon(f"{folder}/")
    (folder / "vocoder.onnx").unlink()
    assert error_of(addon.path, "vocoder.onnx").where == f"{folder}/vocoder.onnx"


def test_no_such_path(tmp_path: Path):
    error = error_of(open_addon, tmp_path / "ambr")
    assert str(error) == f"{tmp_path}/ambr: no such file or folder; check the path, or get a fresh copy of the addon"
    assert isinstance(error.__cause__, FileNotFoundError)


@pytest.mark.parametrize("path", ["a\0b", "x" * 5000])
def test_impossible_path(path: str):
    error = error_of(open_addon, path)
    assert error.problem.startswith("cannot be read or written (")
    assert error.__cause__ is not None


def test_the_addon_json_itself(folder: Path):
    error = error_of(open_addon, folder / "addon.json")
    assert error.problem == f"is a file of an addon; open its folder instead: {folder}"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_is_not_waited_for(folder: Path, tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    problem = "is neither a folder nor a file; open a folder with an addon.json, or a .zip of one"
    assert error_of(open_addon, tmp_path / "pipe").problem == problem
    (folder / "vocoder.onnx").unlink()
    os.mkfifo(folder / "vocoder.onnx")
    assert (
        error_of(open_addon(folder).read, "vocoder.onnx").problem
        == "is not a file; put the file there, or get a fresh copy of the addon"
    )


def test_folder_without_addon_json(tmp_path: Path):
    error = error_of(open_addon, tmp_path)
    assert error.where == f"{tmp_path}/addon.json"
    assert error.problem == "missing; open a folder that has an addon.json at its top"


@pytest.mark.parametrize(
    "data, place, problem",
    [
        (b'{"name":\n "\xff"}', ": line 2", "not UTF-8 (byte 0xff); save the file as UTF-8"),
        (b'{"name":\n "x"; }', ": line 2 column 5", None),
        (b"", ": line 1 column 1", "not JSON (Expecting value); correct it there"),
        (b"[1]", "", "expected a JSON object, got list; write the addon as {...}"),
        (b'{"a": {"b": 1, "b": 2}}', "", "key 'b' appears twice in one object; keep one of them"),
        (b'{"a": NaN}', "", "NaN is not a finite number; write a finite one"),
        (b'{"a": 1e999}', "", "1e999 is not a finite number; write a finite one"),
        (b'{"a": ' + b"9" * 5000 + b"}", "", None),
        (b'{"a": ' * 100_000, "", "objects or arrays are nested too deeply; flatten them"),
        (b" " * (4 * 1024 * 1024 + 1), "", "is larger than 4194304 bytes; keep tables in files of their own"),
    ],
)
def test_addon_json_that_is_no_json(folder: Path, data: bytes, place: str, problem: str | None):
    (folder / "addon.json").write_bytes(data)
    error = error_of(open_addon, folder)
    assert error.where == f"{folder}/addon.json{place}"
    assert problem is None or error.problem == problem


def test_byte_order_mark_is_accepted(folder: Path, config: dict[str, Any]):
    text = (folder / "addon.json").read_bytes()
    (folder / "addon.json").write_bytes(b"\xef\xbb\xbf" + text)
    assert open_addon(folder).config == config


def test_invalid_config_names_the_place(folder: Path, rewrite: Any):
    rewrite(lambda config: config["networks"]["vocoder"].update(role=3))
    assert (
        str(error_of(open_addon, folder))
        == f"{folder}/addon.json: networks.vocoder.role: 3 is not a string; write a string"
    )


def test_file_that_is_not_listed(folder: Path):
    addon = open_addon(folder)
    error = error_of(addon.path, "vocodr.onnx")
    assert str(error) == f"{folder}/addon.json: files does not list 'vocodr.onnx'; did you mean 'vocoder.onnx'?"
    assert error_of(addon.read, "../secret").problem == "files does not list '../secret'; list it there"


@pytest.mark.parametrize("method", ["path", "read"])
def test_missing_file(folder: Path, method: str):
    (folder / "vocoder.onnx").unlink()
    error = error_of(getattr(open_addon(folder), method), "vocoder.onnx")
    problem = f"missing, but addon.json lists it; {FRESH_COPY}, or remove it from files"
    assert str(error) == f"{folder}/vocoder.onnx: {problem}"
    assert isinstance(error.__cause__, FileNotFoundError)


@pytest.mark.parametrize("method", ["path", "read"])
def test_wrong_size(folder: Path, method: str):
    (folder / "vocoder.onnx").write_bytes(b"a graph cut")
    error = error_of(getattr(open_addon(folder), method), "vocoder.onnx")
    assert str(error) == f"{folder}/vocoder.onnx: has 11 bytes, but addon.json lists 7; {CHANGED_FILE}"


@pytest.mark.parametrize("method", ["path", "read"])
def test_wrong_hash(folder: Path, method: str, config: dict[str, Any]):
    (folder / "vocoder.onnx").write_bytes(b"A graph")
    error = error_of(getattr(open_addon(folder), method), "vocoder.onnx")
    expected, found = config["files"]["vocoder.onnx"]["sha256"][:12], file_entry(folder / "vocoder.onnx")["sha256"][:12]
    assert error.problem == f"has sha256 {found}..., but addon.json lists {expected}...; {CHANGED_FILE}"


def test_changed_after_it_was_checked(folder: Path):
    addon = open_addon(folder)
    path = addon.path("vocoder.onnx")
    path.write_bytes(b"A graph")
    os.utime(path, ns=(0, 0))
    assert "has sha256" in error_of(addon.path, "vocoder.onnx").problem


def test_link_out_of_the_addon(folder: Path, tmp_path: Path):
    secret = tmp_path / "secret"
    secret.write_bytes(b"a graph")
    (folder / "vocoder.onnx").unlink()
    (folder / "vocoder.onnx").symlink_to("../secret")
    addon = open_addon(folder)
    problem = f"is a link that leaves the addon, to {secret}; put the file itself there"
    assert error_of(addon.path, "vocoder.onnx").problem == problem
    assert error_of(addon.verify).problem == problem


def test_linked_folder_out_of_the_addon(folder: Path, tmp_path: Path):
    (folder / "tables").rename(tmp_path / "tables")
    (folder / "tables").symlink_to(tmp_path / "tables")
    assert "is a link that leaves the addon" in error_of(open_addon(folder).read, "tables/lexicon.tsv").problem


def test_addon_json_that_is_a_link_out(folder: Path, tmp_path: Path):
    (folder / "addon.json").rename(tmp_path / "addon.json")
    (folder / "addon.json").symlink_to(tmp_path / "addon.json")
    assert "is a link that leaves the addon" in error_of(open_addon, folder).problem


def test_links_within_the_addon_are_fine(folder: Path):
    (folder / "blob").mkdir()
    (folder / "vocoder.onnx").rename(folder / "tables" / "real")
    (folder / "vocoder.onnx").symlink_to("tables/real")
    addon = open_addon(folder)
    assert addon.read("vocoder.onnx") == b"a graph"
    assert error_of(addon.verify).problem == "contains 'tables/real', which addon.json does not list; list or remove it"


def test_link_to_itself(folder: Path):
    (folder / "vocoder.onnx").unlink()
    (folder / "vocoder.onnx").symlink_to("vocoder.onnx")
    assert error_of(open_addon(folder).path, "vocoder.onnx").problem.startswith("cannot be read or written (")


def test_addon_reached_through_a_link(folder: Path, tmp_path: Path):
    (tmp_path / "link").symlink_to(folder)
    assert open_addon(tmp_path / "link").verify() is None


def test_verify_finds_what_is_not_listed(folder: Path):
    (folder / "tables" / "notes.txt").write_text("x")
    assert str(error_of(open_addon(folder).verify)) == (
        f"{folder}: contains 'tables/notes.txt', which addon.json does not list; list or remove it"
    )
    (folder / "tables" / "link").symlink_to("/")
    assert error_of(open_addon(folder).verify).problem.startswith("contains 'tables/link' and 1 more, ")


def test_verify_finds_a_wrong_file(folder: Path):
    (folder / "tables" / "lexicon.tsv").write_bytes(b"one\tW AH M\n")
    assert error_of(open_addon(folder).verify).where == f"{folder}/tables/lexicon.tsv"


def test_permission_denied(folder: Path, monkeypatch: pytest.MonkeyPatch):
    addon = open_addon(folder)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    error = error_of(addon.read, "vocoder.onnx")
    assert str(error) == f"{folder}/vocoder.onnx: permission denied; grant this user access to it"
    assert isinstance(error.__cause__, PermissionError)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="this user may read everything")
def test_permission_denied_by_the_system(folder: Path):
    folder.chmod(0)
    try:
        assert "permission denied" in error_of(open_addon, folder).problem
    finally:
        folder.chmod(0o700)


def test_file_entry(folder: Path, config: dict[str, Any]):
    assert file_entry(folder / "vocoder.onnx") == config["files"]["vocoder.onnx"]
    assert error_of(file_entry, folder / "none").problem.startswith("no such file")


def test_changed_with_the_old_time(folder: Path):
    """The time of modification can be set back, that of the last change cannot."""
    addon = open_addon(folder)
    path = addon.path("vocoder.onnx")
    status = path.stat()
    while path.stat().st_ctime_ns == status.st_ctime_ns:  # within one tick of the file system's clock
        with path.open("r+b") as file:
            file.write(b"A graph")
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert path.stat().st_mtime_ns == status.st_mtime_ns
    assert "has sha256" in error_of(addon.path, "vocoder.onnx").problem


def network(folder: Path, **export: str) -> NetworkSpec:
    """Return the spec of the vocoder with another export."""
    addon = open_addon(folder)
    spec = {**addon.config["networks"]["vocoder"], "exports": [{"format": "python", **export}]}
    return NetworkSpec.of("vocoder", spec, "digest", addon.path, trusted=False)


def test_linked_into_different_folders(folder: Path):
    (folder / "vocoder.onnx").rename(folder / "tables" / "real")
    (folder / "vocoder.onnx").symlink_to("tables/real")
    (folder / "tables" / "lexicon.tsv").rename(folder / "weights")
    (folder / "tables" / "lexicon.tsv").symlink_to("../weights")
    spec = network(folder, symbol="vocoder.onnx", parameters="tables/lexicon.tsv")
    assert str(error_of(spec.export, "python", "python")) == (
        "network 'vocoder': vocoder.onnx: lies in another folder than its parameters, by way of links; "
        "put the files themselves in one folder"
    )


def test_a_file_that_changes_while_it_is_opened(folder: Path):
    spec = network(folder, symbol="vocoder.onnx", parameters="vocoder.onnx")
    with spec.opening("python", "python") as path:
        assert path == folder.resolve() / "vocoder.onnx"
    changed = "it or its parameters changed while they were opened; open the addon again"
    with pytest.raises(AddonError, match=changed), spec.opening("python", "python"):
        os.utime(folder / "vocoder.onnx", ns=(1, 1))
    with pytest.raises(ZeroDivisionError), spec.opening("python", "python"):
        raise ZeroDivisionError


def test_measurements_are_part_of_the_digest(config: dict[str, Any]):
    """A network is opened as they require, so one with others is another one in memory."""
    spec = config["networks"]["vocoder"]
    bare = {key: value for key, value in spec.items() if key != "measured"}
    measured = [{}, {"batch_error": 0.1}, {"batch_error": 0.2}, {"mask_error": {"frames": 0.1}}, {"speed": 3}]
    found = [NetworkSpec.of("v", {**bare, "measured": each}, "d", Path, trusted=False).digest for each in measured]
    assert found[0] == found[4] == NetworkSpec.of("v", bare, "d", Path, trusted=False).digest == "d"
    assert len({*found}) == 4
