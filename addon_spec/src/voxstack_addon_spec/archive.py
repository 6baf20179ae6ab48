"""Addons in a ``.zip``, which may come from anyone: its declared sizes and names are checked before they are used."""

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

from voxstack_addon_spec.errors import AddonError
from voxstack_addon_spec.file_names import CONFIG, name_problem
from voxstack_addon_spec.files import AddonFiles
from voxstack_addon_spec.integrity import FRESH_COPY, check_size, wrap_os_errors
from voxstack_addon_spec.strict_json import MAX_SIZE
from voxstack_addon_spec.wording import shorten

MAX_MEMBERS = 10_000
MAX_TOTAL = 4 * 1024**3  # bytes, unpacked
MAX_FILE = 2 * 1024**3  # bytes, unpacked
MAX_RATIO = 200  # unpacked : packed; deflate reaches 1030 on constant data, which weights are not
SMALL = 1024 * 1024  # bytes; below it the ratio does not matter
MAX_READ = MAX_SIZE + 1  # bytes per read: a whole addon.json; the directory of 10 000 members has 1 to 2 MiB
ZIP_ERRORS = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, ValueError, RuntimeError, OverflowError, OSError)
ENCRYPTED = 0x1 | 0x40
ZIP_AGAIN = "zip the addon's folder again"


class ZipAddon(AddonFiles):
    """An addon that is a ``.zip``; each file is unpacked when it is first requested."""

    def __init__(self, location: str) -> None:
        self.location = location
        self._lock = threading.RLock()
        self._closed = False
        with wrap_os_errors(location):
            file = _BoundedFile(location)
            folder = tempfile.TemporaryDirectory(prefix="voxstack-", ignore_cleanup_errors=True)
        # The folder's own finalizer warns, and __del__ may run when modules are gone.
        self._finalizer = weakref.finalize(self, _release, file, folder)
        self._folder = Path(folder.name)
        try:
            with _wrap_zip_errors(location, file):
                self._zip = zipfile.ZipFile(file)
            self._members = _checked_members(self._zip.infolist(), location)
            self.config = self._read_config()
        except BaseException:
            self._finalizer()
            raise

    def path(self, name: str) -> Path:
        self._entry(name)
        target = self._folder / "files" / name
        with self._lock, wrap_os_errors(self._where(name)):
            self._check_open()
            if not target.exists():
                partial = self._folder / "partial"  # a file appears under its name only when it is complete and checked
                target.parent.mkdir(parents=True, exist_ok=True)
                with partial.open("wb") as stream:
                    stream.writelines(self.chunks(name))
                partial.replace(target)
        return target

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._finalizer()

    def _open(self, name: str, entry: Mapping[str, Any] | None) -> IO[bytes]:
        where = self._where(name)
        self._check_open()
        member = self._members.get(name)
        if member is None:
            problem = "missing from the zip, but addon.json lists it"
            raise AddonError(where, f"{problem}; {FRESH_COPY}, or {ZIP_AGAIN}")
        if entry is not None:
            check_size(member.file_size, entry, where)
        with _wrap_zip_errors(where):
            return self._zip.open(member)

    def _contains(self, name: str) -> bool:
        return name in self._members

    def _names(self) -> Iterator[str]:
        yield from self._members

    def _wrap_read_errors(self, where: str) -> AbstractContextManager[None]:
        return _wrap_zip_errors(where)

    def _check_open(self) -> None:
        if self._closed:
            raise AddonError(self.location, "is closed; open the addon again, or close it later")


class _BoundedFile(io.FileIO):
    """Refuses large reads: a zip directory of gigabytes would fill the memory before its members can be counted."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > MAX_READ:
            problem = f"lists more than {MAX_MEMBERS} files, or is not a zip"
            raise AddonError(str(self.name), f"{problem}; {FRESH_COPY}")
        return super().read(size) or b""


def _release(file: io.FileIO, folder: tempfile.TemporaryDirectory[str]) -> None:
    file.close()
    folder.cleanup()


@contextmanager
def _wrap_zip_errors(where: str, file: io.FileIO | None = None) -> Iterator[None]:
    """Raise the errors of zipfile for damaged data as AddonErrors.

    :param file: the open file, if it is not known yet to be a zip at all.
    """
    try:
        yield
    except ZIP_ERRORS as error:
        if file is not None:
            file.seek(0)
            start = file.read(4)
            if start[:2] != b"PK":
                advice = "open a folder with an addon.json, or a .zip of one"
                raise AddonError(where, f"is not a zip (it begins with {start!r}); {advice}") from error
        raise AddonError(where, f"the zip is damaged or truncated ({shorten(str(error))}); {FRESH_COPY}") from error


def _checked_members(infos: list[zipfile.ZipInfo], location: str) -> dict[str, zipfile.ZipInfo]:
    """Return the files of a zip by their name in the addon, after checking everything that the zip declares.

    :raises AddonError: if it would unpack to too much or outside its folder, or contains no addon.
    """
    if len(infos) > MAX_MEMBERS:
        problem = f"contains {len(infos)} files, but an addon has at most {MAX_MEMBERS}"
        raise AddonError(location, f"{problem}; merge tables into fewer files")
    members: dict[str, zipfile.ZipInfo] = {}
    for info in infos:
        name = info.orig_filename  # zipfile cuts names at a NUL, and changes backslashes on some systems
        wrong_name = name_problem(name.removesuffix("/"))
        if wrong_name:
            raise AddonError(location, f"unsafe zip: {wrong_name}")
        unsafe = _member_problem(info) or ("appears twice" if name in members else None)
        if unsafe:
            raise AddonError(location, f"unsafe zip: {name!r} {unsafe}; {ZIP_AGAIN}")
        if not name.endswith("/"):
            members[name] = info
    total = sum(info.file_size for info in members.values())
    if total > MAX_TOTAL:
        problem = f"would unpack to {total} bytes, but an addon has at most {MAX_TOTAL}"
        raise AddonError(location, f"{problem}; split the addon")
    return _without_top_folder(members, location)


def _member_problem(info: zipfile.ZipInfo) -> str | None:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if info.flag_bits & ENCRYPTED:
        return "is encrypted"
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is a link or a device"
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return f"is compressed by method {info.compress_type}, neither stored nor deflated"
    if info.file_size > MAX_FILE:
        return f"would unpack to {info.file_size} bytes, but a file has at most {MAX_FILE}"
    if info.file_size > SMALL and info.file_size > MAX_RATIO * info.compress_size:
        return f"would unpack to {info.file_size} bytes from {info.compress_size}, more than {MAX_RATIO} : 1"
    return None


def _without_top_folder(members: dict[str, zipfile.ZipInfo], location: str) -> dict[str, zipfile.ZipInfo]:
    if CONFIG in members:
        return members
    tops = sorted({name.split("/")[0] for name in members})
    if len(tops) == 1 and f"{tops[0]}/{CONFIG}" in members:
        return {name.removeprefix(f"{tops[0]}/"): info for name, info in members.items()}
    present = ", ".join(repr(top) for top in tops[:3]) or "nothing"
    problem = f"no addon.json at the top of the zip or in a single top folder (it contains {present})"
    raise AddonError(location, f"{problem}; zip the addon's folder and nothing else")
