"""An addon in a ``.zip``, which may come from anyone: what it says of itself is bounded before it is believed."""

from __future__ import annotations

import io
import stat
import struct
import tempfile
import threading
import weakref
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO, Any

from voxstack_addon_spec.contents import AddonFiles
from voxstack_addon_spec.errors import AddonError
from voxstack_addon_spec.integrity import size_checked, system_errors
from voxstack_addon_spec.jsontext import MAX_BYTES
from voxstack_addon_spec.names import CONFIG, name_problem

MAX_MEMBERS = 10_000
MAX_TOTAL = 4 * 1024**3  # bytes, unpacked
MAX_FILE = 2 * 1024**3  # bytes, unpacked
MAX_RATIO = 200  # unpacked : packed; deflate reaches 1030 with constant data, and weights are nothing like that
SMALL = 1024 * 1024  # bytes; below it the ratio does not matter
MAX_READ = MAX_BYTES + 1  # bytes at once: a whole addon.json; the list of 10 000 members has 1 to 2 MiB
DAMAGE = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, ValueError, RuntimeError, OverflowError, OSError)
ENCRYPTED = 0x1 | 0x40


class ZipAddon(AddonFiles):
    """An addon that is a ``.zip``; its files are unpacked one by one, when they are asked for."""

    def __init__(self, location: str) -> None:
        self.location = location
        self._lock = threading.RLock()
        self._closed = False
        with system_errors(location):
            file = _BoundedFile(location)
            folder = tempfile.TemporaryDirectory(prefix="voxstack-", ignore_cleanup_errors=True)
        # Not the folder's own finalizer, which warns; nor __del__, which may run when modules are gone.
        self._finalizer = weakref.finalize(self, _let_go, file, folder)
        self._folder = Path(folder.name)
        try:
            with _damage(location, file):
                self._zip = zipfile.ZipFile(file)
            self._members = _members(self._zip.infolist(), location)
            self.config = self._read_config()
        except BaseException:
            self._finalizer()
            raise

    def path(self, name: str) -> Path:
        self._entry(name)
        target = self._folder / "files" / name
        with self._lock:
            self._usable()
            if not target.exists():
                partial = self._folder / "partial"  # so that a file is there whole and checked, or not at all
                with system_errors(self._where(name)):
                    target.parent.mkdir(parents=True, exist_ok=True)
                    with partial.open("wb") as stream:
                        stream.writelines(self.pieces(name))
                    partial.replace(target)
        return target

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._finalizer()

    def _open(self, name: str, entry: Mapping[str, Any] | None) -> IO[bytes]:
        where = self._where(name)
        self._usable()
        member = self._members.get(name)
        if member is None:
            raise AddonError(
                where, "missing from the zip, but addon.json lists it; get the addon again, or make the zip anew"
            )
        if entry is not None:
            size_checked(member.file_size, entry, where)
        with _damage(where):
            return self._zip.open(member)

    def _names(self) -> Iterator[str]:
        yield from self._members

    def _reading(self, where: str) -> AbstractContextManager[None]:
        return _damage(where)

    def _usable(self) -> None:
        if self._closed:
            raise AddonError(self.location, "is closed; open the addon again, or close it later")


class _BoundedFile(io.FileIO):
    """Refuses to read much at once: a list of members of gigabytes would fill the memory before it can be counted."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > MAX_READ:
            raise AddonError(str(self.name), f"lists more than {MAX_MEMBERS} files, or is no zip; get the addon again")
        return super().read(size) or b""


def _let_go(file: io.FileIO, folder: tempfile.TemporaryDirectory[str]) -> None:
    file.close()
    folder.cleanup()


@contextmanager
def _damage(where: str, file: io.FileIO | None = None) -> Iterator[None]:
    """Turn what zipfile raises for damaged data into an AddonError; ``file``, where given, may not be a zip at all."""
    try:
        yield
    except DAMAGE as error:
        if file is not None:
            file.seek(0)
            start = file.read(4)
            if start[:2] != b"PK":
                problem = f"is not a zip (it begins with {start!r}); an addon is a folder with an addon.json, or a .zip of one"
                raise AddonError(where, problem) from error
        raise AddonError(where, f"the zip is damaged or cut short ({error}); get it again") from error


def _members(infos: list[zipfile.ZipInfo], location: str) -> dict[str, zipfile.ZipInfo]:
    """Return the files of a zip by their name in the addon, after looking at everything that it says of itself.

    :raises AddonError: it would unpack to too much or outside its folder, or there is no addon in it.
    """
    if len(infos) > MAX_MEMBERS:
        raise AddonError(
            location, f"holds {len(infos)} files where an addon has at most {MAX_MEMBERS}; put tables into fewer files"
        )
    found: dict[str, zipfile.ZipInfo] = {}
    for info in infos:
        name = info.orig_filename  # zipfile cuts names at a NUL, and changes backslashes on some systems
        wrong_name = name_problem(name.removesuffix("/"))
        if wrong_name:
            raise AddonError(location, f"unsafe zip: {wrong_name}")
        problem = _member_problem(info) or ("is there twice" if name in found else None)
        if problem:
            raise AddonError(location, f"unsafe zip: {name!r} {problem}; make the zip anew from the addon's folder")
        if not name.endswith("/"):
            found[name] = info
    total = sum(info.file_size for info in found.values())
    if total > MAX_TOTAL:
        raise AddonError(
            location, f"would unpack to {total} bytes where an addon has at most {MAX_TOTAL}; split the addon"
        )
    return _without_top_folder(found, location)


def _member_problem(info: zipfile.ZipInfo) -> str | None:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if info.flag_bits & ENCRYPTED:
        return "is encrypted"
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is a link or a device"
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return f"is packed by method {info.compress_type}, neither stored nor deflated"
    if info.file_size > MAX_FILE:
        return f"would unpack to {info.file_size} bytes where a file has at most {MAX_FILE}"
    if info.file_size > SMALL and info.file_size > MAX_RATIO * info.compress_size:
        return f"would unpack to {info.file_size} bytes from {info.compress_size}, more than {MAX_RATIO} : 1"
    return None


def _without_top_folder(found: dict[str, zipfile.ZipInfo], location: str) -> dict[str, zipfile.ZipInfo]:
    if CONFIG in found:
        return found
    tops = sorted({name.split("/")[0] for name in found})
    if len(tops) == 1 and f"{tops[0]}/{CONFIG}" in found:
        return {name.removeprefix(f"{tops[0]}/"): info for name, info in found.items()}
    there = ", ".join(repr(top) for top in tops[:3]) or "nothing"
    raise AddonError(
        location,
        f"no addon.json at the top of the zip, nor in one only folder there (there: {there}); zip the addon's folder, and only it",
    )
