"""Addons that are zips: well made, badly made, and malicious."""

from __future__ import annotations

import gc
import io
import os
import random
import stat
import threading
import zipfile
from pathlib import Path
from typing import Any

import pytest

from voxstack_addon_spec import AddonError, open_addon, write_zip

ZIP_AGAIN = "zip the addon's folder again"
SEPARATOR = "contains a backslash or a colon, whose meaning depends on the system"
FOLDERS = "use a relative path with / between folders"


def error_of(call: Any, *arguments: Any) -> AddonError:
    with pytest.raises(AddonError) as caught:
        call(*arguments)
    return caught.value


def zipped(folder: Path, top: str = "", *more: tuple[zipfile.ZipInfo | str, bytes]) -> Path:
    """Zip a folder as other tools do, and add ``more`` members."""
    path = folder.with_suffix(".zip")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for found in sorted(folder.rglob("*")):
            file.write(found, f"{top}{found.relative_to(folder).as_posix()}")
        for name, data in more:
            file.writestr(name, data)
    return path


@pytest.fixture
def good(folder: Path, tmp_path: Path) -> Path:
    return write_zip(folder, tmp_path / "good.zip")


@pytest.mark.parametrize("top", ["", "prism-1.0/"])
def test_reads_what_is_listed(folder: Path, config: dict[str, Any], top: str):
    with open_addon(zipped(folder, top)) as addon:
        assert addon.config == config
        addon.verify()
        assert addon.read("vocoder.onnx") == b"a graph"
        path = addon.path("tables/lexicon.tsv")
        assert path.read_bytes() == b"one\tW AH N\n"
        assert path == addon.path("tables/lexicon.tsv")
        assert path.parts[-2:] == ("tables", "lexicon.tsv")
    assert not path.exists()


def test_files_lie_to_each_other_as_in_the_addon(good: Path):
    with open_addon(good) as addon:
        graph, table = addon.path("vocoder.onnx"), addon.path("tables/lexicon.tsv")
        assert table.parent.parent == graph.parent
        if os.name == "posix":
            assert stat.S_IMODE(graph.parent.parent.stat().st_mode) == 0o700


@pytest.mark.filterwarnings("error")
def test_unpacked_files_go_with_the_object(good: Path):
    addon = open_addon(good)
    path = addon.path("vocoder.onnx")
    del addon
    gc.collect()
    assert not path.parent.exists()


def test_closed(good: Path):
    addon = open_addon(good)
    addon.close()
    addon.close()
    for method in (addon.path, addon.read):
        assert str(error_of(method, "vocoder.onnx")) == f"{good}: is closed; open the addon again, or close it later"


def test_many_threads(good: Path):
    with open_addon(good) as addon:
        found: list[bytes] = []
        work = [
            threading.Thread(
                target=lambda: found.append(addon.path("vocoder.onnx").read_bytes() + addon.read("vocoder.onnx"))
            )
            for _ in range(8)
        ]
        for thread in work:
            thread.start()
        for thread in work:
            thread.join()
    assert found == [b"a grapha graph"] * 8


def test_foreign_file(tmp_path: Path):
    path = tmp_path / "voice.rar"
    path.write_bytes(b"Rar!" + bytes(100))
    assert str(error_of(open_addon, path)) == (
        f"{path}: is not a zip (it begins with b'Rar!'); open a folder with an addon.json, or a .zip of one"
    )
    path.write_bytes(b"")
    assert "is not a zip (it begins with b'')" in error_of(open_addon, path).problem


@pytest.mark.parametrize("part", [0.1, 0.5, 0.95])
def test_truncated(good: Path, part: float):
    data = good.read_bytes()
    good.write_bytes(data[: int(len(data) * part)])
    error = error_of(open_addon, good)
    assert error.problem == "the zip is damaged or truncated (File is not a zip file); get a fresh copy of the addon"
    assert isinstance(error.__cause__, zipfile.BadZipFile)


def test_damaged_member(good: Path):
    with open_addon(good) as addon:
        member = addon._members["tables/lexicon.tsv"]  # type: ignore[attr-defined]
        data = bytearray(good.read_bytes())
        data[member.header_offset + 30 + len(member.filename)] ^= 0xFF
    good.write_bytes(data)
    with open_addon(good) as addon:
        assert error_of(addon.read, "tables/lexicon.tsv").problem.startswith("the zip is damaged or truncated (")
        assert error_of(addon.path, "tables/lexicon.tsv").where == f"{good}/tables/lexicon.tsv"
        assert addon.read("vocoder.onnx") == b"a graph"


def test_a_name_of_any_length_in_the_header_of_a_member(good: Path):
    with open_addon(good) as addon:
        offset = addon._members["tables/lexicon.tsv"].header_offset  # type: ignore[attr-defined]
    data = bytearray(good.read_bytes())
    data[offset + 26 : offset + 28] = (len(data) - offset - 30).to_bytes(2, "little")  # the length of its name
    good.write_bytes(data)
    with open_addon(good) as addon:
        problem = error_of(addon.read, "tables/lexicon.tsv").problem
    assert "in directory 'tables/lexicon.tsv' and header" in problem
    assert len(problem) < 500 < len(data)


def test_no_damage_does_harm(good: Path):
    """Changing any byte gives the right content or an AddonError."""
    data, chance = good.read_bytes(), random.Random(1)
    for _ in range(200):
        changed = bytearray(data)
        for _ in range(chance.choice([1, 1, 4])):
            changed[chance.randrange(len(data))] = chance.randrange(256)
        good.write_bytes(changed)
        try:
            with open_addon(good) as addon:
                assert addon.read("vocoder.onnx") == b"a graph"
                assert addon.path("tables/lexicon.tsv").read_bytes() == b"one\tW AH N\n"
        except AddonError:
            pass


def test_without_addon_json(tmp_path: Path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x").write_text("x")
    path = zipped(tmp_path / "a")
    problem = "no addon.json at the top of the zip or in a single top folder (it contains 'x')"
    assert str(error_of(open_addon, path)) == f"{path}: {problem}; zip the addon's folder and nothing else"


def test_more_than_one_top_folder(folder: Path):
    path = zipped(folder, "prism/", ("__MACOSX/prism/._addon.json", b""))
    assert "(it contains '__MACOSX', 'prism')" in error_of(open_addon, path).problem


def test_missing_member(folder: Path):
    (folder / "vocoder.onnx").unlink()
    with open_addon(zipped(folder)) as addon:
        error = error_of(addon.path, "vocoder.onnx")
    assert (
        error.problem == f"missing from the zip, but addon.json lists it; get a fresh copy of the addon, or {ZIP_AGAIN}"
    )


def test_wrong_size_and_wrong_hash(folder: Path):
    (folder / "vocoder.onnx").write_bytes(b"a graph cut")
    (folder / "tables" / "lexicon.tsv").write_bytes(b"one\tW AH M\n")
    with open_addon(zipped(folder)) as addon:
        assert "has 11 bytes, but addon.json lists 7;" in error_of(addon.path, "vocoder.onnx").problem
        assert error_of(addon.path, "tables/lexicon.tsv").problem.startswith("has sha256 ")
        assert error_of(addon.read, "tables/lexicon.tsv").problem.startswith("has sha256 ")


def test_verify_finds_what_is_not_listed(folder: Path):
    with open_addon(zipped(folder, "", ("extra", b"x"))) as addon:
        assert error_of(addon.verify).problem == "contains 'extra', which addon.json does not list; list or remove it"


@pytest.mark.parametrize(
    "name, problem",
    [
        ("../x", f"file name '../x' has an empty, '.' or '..' part; {FOLDERS}, inside the addon"),
        ("a/../../x", f"file name 'a/../../x' has an empty, '.' or '..' part; {FOLDERS}, inside the addon"),
        ("/etc/x", f"file name '/etc/x' is absolute; {FOLDERS}"),
        ("C:/x", f"file name 'C:/x' {SEPARATOR}; {FOLDERS}"),
        ("..\\x", f"file name {'..' + chr(92) + 'x'!r} {SEPARATOR}; {FOLDERS}"),
        ("x\ny", f"file name {'x' + chr(10) + 'y'!r} is empty or contains unprintable characters; {FOLDERS}"),
    ],
)
def test_names_that_leave_the_addon(folder: Path, name: str, problem: str):
    path = zipped(folder, "", (name, b"x"))
    assert str(error_of(open_addon, path)) == f"{path}: unsafe zip: {problem}"


@pytest.mark.parametrize(
    "name, problem",
    [
        ("é" * 128, "has a part of more than 255 bytes; shorten it"),
        ("x" * 256, "has a part of more than 255 bytes; shorten it"),
        ("x/" * 300 + "x", "has more than 512 bytes; shorten it"),
        ("x" * 65_000, "has more than 512 bytes; shorten it"),
        ("x/" * 16 + "x", "lies in more than 16 folders; use fewer"),
    ],
    ids=len,
)
def test_names_that_no_file_system_holds(folder: Path, name: str, problem: str):
    path = zipped(folder, "", (name, b"x"))
    assert error_of(open_addon, path).problem.startswith("unsafe zip: file name '")
    assert error_of(open_addon, path).problem.endswith(problem)


def test_a_disk_that_holds_no_such_name(good: Path, monkeypatch: pytest.MonkeyPatch):
    """Some systems hold less than the format allows."""

    def refuse(path: Path, **_: Any) -> bool:
        raise OSError(36, "File name too long")

    with open_addon(good) as addon:
        monkeypatch.setattr(Path, "exists", refuse)
        assert error_of(addon.path, "vocoder.onnx").problem.startswith("cannot be read or written (")


def test_name_with_nul(folder: Path):
    path = zipped(folder, "", ("x_.py", b"x"))
    path.write_bytes(path.read_bytes().replace(b"x_.py", b"x\0.py"))
    assert (
        "unsafe zip: file name 'x\\x00.py' is empty or contains unprintable characters"
        in error_of(open_addon, path).problem
    )


def test_link(folder: Path):
    info = zipfile.ZipInfo("link")
    info.create_system = 3
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    path = zipped(folder, "", (info, b"/etc/passwd"))
    assert error_of(open_addon, path).problem == f"unsafe zip: 'link' is a link or a device; {ZIP_AGAIN}"


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_name_twice(folder: Path):
    path = zipped(folder, "", ("vocoder.onnx", b"another"))
    assert error_of(open_addon, path).problem == f"unsafe zip: 'vocoder.onnx' appears twice; {ZIP_AGAIN}"


def test_encrypted(folder: Path):
    path = zipped(folder)
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as file:
        start = file.start_dir
    data[start + 8] |= 1  # general purpose flags of the first entry of the list
    path.write_bytes(data)
    assert error_of(open_addon, path).problem == f"unsafe zip: 'addon.json' is encrypted; {ZIP_AGAIN}"


def test_other_packing(folder: Path):
    path = folder.with_suffix(".zip")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as file:
        file.write(folder / "addon.json", "addon.json")
    assert (
        error_of(open_addon, path).problem
        == f"unsafe zip: 'addon.json' is compressed by method 14, neither stored nor deflated; {ZIP_AGAIN}"
    )


def test_zip_bomb_by_ratio(folder: Path):
    size = 64 * 1024 * 1024
    path = zipped(folder, "", ("bomb", bytes(size)))
    assert path.stat().st_size < 100_000
    problem = error_of(open_addon, path).problem
    assert problem.startswith(f"unsafe zip: 'bomb' would unpack to {size} bytes from ")
    assert problem.endswith(f", more than 200 : 1; {ZIP_AGAIN}")


def _declare(path: Path, name: str, size: int, packed: int) -> None:
    """Make the directory of the zip declare false sizes for a member."""
    data = bytearray(path.read_bytes())
    entry = data.rindex(name.encode()) - 46
    assert data[entry : entry + 4] == b"PK\1\2"
    data[entry + 20 : entry + 28] = packed.to_bytes(4, "little") + size.to_bytes(4, "little")
    path.write_bytes(data)


def test_zip_bomb_by_one_file(folder: Path):
    path = zipped(folder, "", ("bomb", b"x"))
    _declare(path, "bomb", 3 * 1024**3, 1024**3)
    assert error_of(open_addon, path).problem == (
        f"unsafe zip: 'bomb' would unpack to {3 * 1024**3} bytes, but a file has at most {2 * 1024**3}; {ZIP_AGAIN}"
    )


def test_zip_bomb_by_total(folder: Path):
    path = zipped(folder, "", *((f"bomb{i}", b"x") for i in range(3)))
    for i in range(3):
        _declare(path, f"bomb{i}", 2 * 1024**3, 1024**3)
    problem = error_of(open_addon, path).problem
    assert problem.startswith("would unpack to 6442")
    assert problem.endswith(" bytes, but an addon has at most 4294967296; split the addon")


def test_zip_bomb_that_lies_about_its_size(folder: Path, rewrite: Any):
    """A member that is larger than it declares is never unpacked beyond its declared size."""
    (folder / "vocoder.onnx").write_bytes(bytes(50 * 1024 * 1024))
    path = zipped(folder)
    with zipfile.ZipFile(path) as file:
        packed = file.getinfo("vocoder.onnx").compress_size
    _declare(path, "vocoder.onnx", 7, packed)
    with open_addon(path) as addon:
        assert error_of(addon.path, "vocoder.onnx").problem.startswith(("has sha256 ", "the zip is damaged"))
        assert error_of(addon.read, "vocoder.onnx").problem.startswith(("has sha256 ", "the zip is damaged"))


def test_too_many_members(folder: Path):
    path = zipped(folder, "", *((f"{i}", b"") for i in range(10_001)))
    assert (
        error_of(open_addon, path).problem
        == "contains 10005 files, but an addon has at most 10000; merge tables into fewer files"
    )


def test_list_of_members_that_would_fill_the_memory(tmp_path: Path):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("x", b"")
    size = 8 * 1024 * 1024
    data = bytearray(buffer.getvalue()[:-22] + bytes(size) + buffer.getvalue()[-22:])
    data[-10:-6] = size.to_bytes(4, "little")  # length of the list
    path = tmp_path / "long.zip"
    path.write_bytes(data)
    assert (
        error_of(open_addon, path).problem
        == "lists more than 10000 files, or is not a zip; get a fresh copy of the addon"
    )


def test_addon_json_too_large(tmp_path: Path):
    path = tmp_path / "large.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("addon.json", b" " * (4 * 1024 * 1024 + 1))
    assert error_of(open_addon, path).problem == "is larger than 4194304 bytes; keep tables in files of their own"


def test_failing_to_open_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: Path, rewrite: Any):
    rewrite(lambda config: config.pop("name"))
    path = zipped(folder)
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    assert error_of(open_addon, path).where == f"{path}/addon.json"
    assert list((tmp_path / "temporary").iterdir()) == []


def test_written_zip_is_the_same_every_time(folder: Path, tmp_path: Path):
    one = write_zip(folder, tmp_path / "one.zip")
    for found in folder.rglob("*"):
        os.utime(found, (10**9, 10**9))
        found.chmod(0o700)
    two = write_zip(str(folder), str(tmp_path / "two.zip"))
    assert one.read_bytes() == two.read_bytes()
    with zipfile.ZipFile(one) as file:
        assert file.namelist() == ["addon.json", "tables/lexicon.tsv", "vocoder.onnx"]
    with open_addon(one) as addon:
        addon.verify()


def test_written_zip_of_zeros_can_be_read(folder: Path, tmp_path: Path, rewrite: Any):
    from voxstack_addon_spec import file_entry

    (folder / "vocoder.onnx").write_bytes(bytes(3 * 1024 * 1024))
    rewrite(lambda config: config["files"].update({"vocoder.onnx": file_entry(folder / "vocoder.onnx")}))
    with open_addon(write_zip(folder, tmp_path / "zeros.zip")) as addon:
        addon.verify()
        assert addon.path("vocoder.onnx").stat().st_size == 3 * 1024 * 1024


def test_what_is_not_an_addon_is_not_written(folder: Path, tmp_path: Path, good: Path):
    before = good.read_bytes()
    assert (
        error_of(write_zip, folder, folder / "x.zip").problem
        == "lies inside the addon's own folder; write it elsewhere"
    )
    assert error_of(write_zip, good, tmp_path / "copy.zip").problem == "is a zip already; copy it"
    assert error_of(write_zip, folder, tmp_path / "none" / "x.zip").problem.startswith("no such file or folder;")
    (folder / "vocoder.onnx").write_bytes(b"A graph")
    assert error_of(write_zip, folder, good).problem.startswith("has sha256 ")
    assert good.read_bytes() == before
    assert not list(tmp_path.glob("*.partial"))
