"""Addons in a folder."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import IO, Any

from voxstack_addon_spec.errors import AddonError
from voxstack_addon_spec.file_names import CONFIG
from voxstack_addon_spec.files import AddonFiles
from voxstack_addon_spec.integrity import FRESH_COPY, FileVersion, check_size, file_version, wrap_os_errors
from voxstack_addon_spec.known_valid import holds


class FolderAddon(AddonFiles):
    """An addon that is a folder."""

    def __init__(self, location: str) -> None:
        self.location = location
        with wrap_os_errors(location):
            self._root = Path(location).resolve(strict=True)
        self._checked: dict[str, FileVersion] = {}
        self.config = self._read_config()

    def path(self, name: str) -> Path:
        entry, path = self._entry(name), self._resolve(name)
        with wrap_os_errors(self._where(name)):
            version = file_version(path.stat())
        if self._checked.get(name) != version:  # hashing it again would cost as much as loading it
            holds(version, f"{entry['size']} {entry['sha256']}", lambda: self._is_intact(name))
            self._checked[name] = version
        return path

    def _is_intact(self, name: str) -> bool:
        """Return True, after reading all of a file.

        :raises AddonError: if it is not as listed.
        """
        for _ in self.chunks(name):
            pass
        return True

    def close(self) -> None:
        """Do nothing: a folder stays as it is."""

    def _open(self, name: str, entry: Mapping[str, Any] | None) -> IO[bytes]:
        where = self._where(name)
        path = self._resolve(name)
        with wrap_os_errors(where):
            status = path.stat()
            if not stat.S_ISREG(status.st_mode):  # reading a pipe would block forever
                raise AddonError(where, f"is not a file; put the file there, or {FRESH_COPY}")
            if entry is not None:
                check_size(status.st_size, entry, where)
            return path.open("rb")

    def _resolve(self, name: str) -> Path:
        """Return the real path of a file, which must lie inside the addon whatever links lead to it."""
        where = self._where(name)
        path = self._root / name
        try:
            with wrap_os_errors(where):
                path = path.resolve(strict=True)
        except AddonError as error:
            if isinstance(error.__cause__, FileNotFoundError):
                raise AddonError(where, _missing(name)) from error.__cause__
            raise
        if not path.is_relative_to(self._root):
            raise AddonError(where, f"is a link that leaves the addon, to {path}; put the file itself there")
        return path

    def _contains(self, name: str) -> bool:
        return os.path.lexists(self._root / name)

    def _names(self) -> Iterator[str]:
        def refuse(error: OSError) -> None:
            with wrap_os_errors(str(error.filename)):
                raise error

        listed = {str(parent) for name in self.config["files"] for parent in PurePosixPath(name).parents}
        for folder, folders, files in os.walk(self._root, onerror=refuse):
            links = [name for name in folders if Path(folder, name).is_symlink()]  # os.walk does not enter them
            for name in (*files, *links):
                relative = Path(folder, name).relative_to(self._root).as_posix()
                if name not in links or relative not in listed:
                    yield relative


def _missing(name: str) -> str:
    if name == CONFIG:
        return "missing; open a folder that has an addon.json at its top"
    return f"missing, but addon.json lists it; {FRESH_COPY}, or remove it from files"
