"""Folders of files on the disk of this machine that can be computed again, each under a hash of what it depends on."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import platform
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from voxstack_addon_spec.integrity import file_version
from voxstack_addon_spec.known_valid import holds
from voxstack_addon_spec.user_cache import is_private, make_private

HASHES = "sha256.json"
"""The file with the hashes of the others."""


class FolderCache:
    """A folder of entries, which any number of processes may read and write at once.

    Only a folder that belongs to this user, and that no other user can write to, is used. Each entry is a folder that
    appears when it is complete, with the hashes of its files, which are compared before it is opened: a damaged one
    counts as absent. Whatever fails here only costs time.

    :param main: name of the file without which there is no entry.
    :param most: bytes in all; beyond, the entries that were used longest ago are removed.
    """

    def __init__(self, folder: Path, main: str, most: int) -> None:
        self._folder, self._main, self._most = folder, main, most

    def find(self, key: str) -> Path | None:
        """Return the main file of an entry; None if it is not there, or not as it was written."""
        place = self._folder / key
        try:
            if not (is_private(self._folder) and is_private(place)):
                return None
        except OSError:  # it is not there
            return None
        try:
            hashes: dict[str, str] = json.loads((place / HASHES).read_text())
            whole = all(_has_hash(place / _inside(name), expected) for name, expected in hashes.items())
            os.utime(place)
        except (OSError, ValueError, AttributeError):  # something else than it was written
            whole = False
        if not whole:
            self.discard(key)
        return place / self._main if whole and self._main in hashes else None

    @contextlib.contextmanager
    def storing(self, key: str) -> Iterator[Path | None]:
        """Return a context manager that gives the path for the main file, and keeps the entry if it was written.

        The path is None where nothing can be kept.
        """
        place = self._new_place(key)
        if place is None:
            yield None
            return
        try:
            yield place / self._main
            with contextlib.suppress(OSError):
                self._keep(place, key)
        finally:
            shutil.rmtree(place, ignore_errors=True)

    def discard(self, key: str, unusable: bool = False) -> None:
        """Remove an entry.

        :param unusable: keep its place, so that it is not written again.
        """
        place = self._folder / key
        with contextlib.suppress(OSError):
            if unusable:
                (place / HASHES).write_text("{}")
                (place / self._main).unlink()
            else:
                shutil.rmtree(place)

    def _new_place(self, key: str) -> Path | None:
        """Return a new folder of this process; None if there is the entry, or no place for it."""
        try:
            if not make_private(self._folder) or (self._folder / key).exists():
                return None
            return Path(tempfile.mkdtemp(prefix=".new-", dir=self._folder))
        except OSError:
            return None

    def _keep(self, place: Path, key: str) -> None:
        """Give a complete entry its name; another process may have been faster."""
        if not (place / self._main).exists():
            return
        hashes = {path.relative_to(place).as_posix(): _sha256(path) for path in place.rglob("*") if path.is_file()}
        (place / HASHES).write_text(json.dumps(hashes))
        with contextlib.suppress(OSError):
            place.rename(self._folder / key)
        self._make_room(key)

    def _make_room(self, kept: str) -> None:
        """Remove the entries that were used longest ago, beyond the size of the cache; not the one just written."""
        found = []
        for place in self._folder.iterdir():
            with contextlib.suppress(OSError):  # another process removes it
                size = sum(path.stat().st_size for path in place.rglob("*"))
                found.append((place.stat().st_mtime, size, place))
        total = 0
        for _, size, place in sorted(found, reverse=True):
            total += size
            if total > self._most and place.name != kept:
                shutil.rmtree(place, ignore_errors=True)


def _inside(name: str) -> Path:
    """Return the path of a file of an entry.

    :raises ValueError: if it would be outside.
    """
    path = Path(name)
    if path.is_absolute() or ".." in path.parts:
        raise ValueError(name)
    return path


def _has_hash(path: Path, expected: str) -> bool:
    return holds(file_version(path.stat()), expected, lambda: _sha256(path) == expected)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@functools.cache
def processor() -> str:
    """Return what tells processors with different instructions apart."""
    features = os.environ.get("PROCESSOR_IDENTIFIER", "")  # on Windows; platform.processor() may start a program
    with contextlib.suppress(OSError), open("/proc/cpuinfo") as file:
        lines = (line for line in file if line.partition(":")[0].strip() in ("flags", "Features", "model name"))
        features = "".join(sorted(set(lines)))
    return f"{platform.machine()} {features}"
