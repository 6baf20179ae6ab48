"""Opens an addon, and reads only what its addon.json vouches for."""

from __future__ import annotations

import os
import stat
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, closing
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from voxstack_addon_spec.errors import AddonError
from voxstack_addon_spec.integrity import checked_pieces, size_checked, system_errors
from voxstack_addon_spec.jsontext import MAX_BYTES, parse_object
from voxstack_addon_spec.names import CONFIG
from voxstack_addon_spec.validation import validate_config
from voxstack_addon_spec.wording import did_you_mean


def open_addon(path: str | os.PathLike[str]) -> AddonFiles:
    """Open the addon in a folder, or in a ``.zip`` of one (its files at the top, or in exactly one top folder).

    Reads and validates addon.json; every other file is checked when it is asked for. Nothing is unpickled or executed.

    :raises AddonError: there is no addon, it is damaged, unsafe or not valid, or it is made for a newer voxstack.
    """
    location = os.fspath(path)
    with system_errors(location):
        mode = Path(location).stat().st_mode
    if stat.S_ISDIR(mode):
        return FolderAddon(location)
    if Path(location).name == CONFIG:
        raise AddonError(location, f"is a file of an addon; open its folder instead: {Path(location).parent}")
    if not stat.S_ISREG(mode):
        raise AddonError(
            location, "is neither a folder nor a file; an addon is a folder with an addon.json, or a .zip of one"
        )
    from voxstack_addon_spec.archive import ZipAddon  # needed by few who import this package

    return ZipAddon(location)


class AddonFiles(ABC):
    """The files of an addon. Made by :func:`open_addon`; a context manager that closes itself.

    ``location`` is the path that was opened, ``config`` the content of its addon.json, valid. Safe to use from several
    threads.
    """

    location: str
    config: dict[str, Any]

    @abstractmethod
    def path(self, name: str) -> Path:
        """Return where a file lies on disk, its size and hash checked.

        It stays there until the addon is closed or no longer referenced. Files lie to each other as they do in the
        addon, but one inside a ``.zip`` is only there once it was asked for: ask for all that belong together.

        :param name: as ``files`` lists it.
        :raises AddonError: not listed, missing, not what was listed, outside the addon, or not readable.
        """

    def read(self, name: str) -> bytes:
        """Return the content of a file, its size and hash checked; errors as for :meth:`path`."""
        return b"".join(self.pieces(name))

    def verify(self) -> None:
        """Check every file, and that there is none that addon.json does not list.

        :raises AddonError: for the first that is wrong.
        """
        for name in sorted(self.config["files"]):
            for _ in self.pieces(name):
                pass
        unlisted = sorted(set(self._names()) - {*self.config["files"], CONFIG})
        if unlisted:
            more = f" and {len(unlisted) - 1} more" if len(unlisted) > 1 else ""
            raise AddonError(
                self.location, f"holds {unlisted[0]!r}{more}, which addon.json does not list; list or remove it"
            )

    def pieces(self, name: str) -> Iterator[bytes]:
        """Yield a file in pieces of at most 1 MiB; they may be used only once the last has come without an error."""
        entry = self._entry(name)
        where = self._where(name)
        with closing(self._open(name, entry)) as stream, self._reading(where):
            yield from checked_pieces(stream, entry, where)

    @abstractmethod
    def close(self) -> None:
        """Let go of what is open. Paths inside a ``.zip`` are gone after it; closing twice is harmless."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @abstractmethod
    def _open(self, name: str, entry: Mapping[str, Any] | None) -> IO[bytes]:
        """Open a file that may hold no more than its entry tells; None for addon.json."""

    @abstractmethod
    def _names(self) -> Iterator[str]:
        """Yield the name of every file that is there, listed or not."""

    def _reading(self, where: str) -> AbstractContextManager[None]:
        """Return what turns the errors of reading an open file into AddonErrors."""
        return system_errors(where)

    def _where(self, name: str) -> str:
        return f"{self.location.rstrip('/' + os.sep)}/{name}"

    def _entry(self, name: str) -> Mapping[str, Any]:
        files: dict[str, dict[str, Any]] = self.config["files"]
        if name not in files:
            raise AddonError(
                self._where(CONFIG), f"files does not list {name!r}" + did_you_mean(name, files, "list it there")
            )
        return files[name]

    def _read_config(self) -> dict[str, Any]:
        where = self._where(CONFIG)
        with closing(self._open(CONFIG, None)) as stream, self._reading(where):
            data = stream.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise AddonError(where, f"is larger than {MAX_BYTES} bytes; keep tables in files of their own")
        config = parse_object(data, where)
        validate_config(config, where)
        return config


class FolderAddon(AddonFiles):
    """An addon that is a folder."""

    def __init__(self, location: str) -> None:
        self.location = location
        with system_errors(location):
            self._root = Path(location).resolve(strict=True)
        self._checked: dict[str, tuple[int, int, int]] = {}
        self.config = self._read_config()

    def path(self, name: str) -> Path:
        self._entry(name)
        path = self._inside(name)
        with system_errors(self._where(name)):
            found = path.stat()
        state = (found.st_ino, found.st_size, found.st_mtime_ns)
        if self._checked.get(name) != state:  # hashing it again would cost as much as loading it
            for _ in self.pieces(name):
                pass
            self._checked[name] = state
        return path

    def close(self) -> None:
        """Do nothing: a folder stays as it is."""

    def _open(self, name: str, entry: Mapping[str, Any] | None) -> IO[bytes]:
        where = self._where(name)
        path = self._inside(name)
        with system_errors(where):
            found = path.stat()
            if not stat.S_ISREG(found.st_mode):  # reading a pipe would wait for ever
                raise AddonError(where, "is not a file; put the file there, or get the addon again")
            if entry is not None:
                size_checked(found.st_size, entry, where)
            return path.open("rb")

    def _inside(self, name: str) -> Path:
        """Return the real path of a file, which must lie inside the addon whatever links lead to it."""
        where = self._where(name)
        path = self._root / name
        try:
            with system_errors(where):
                path = path.resolve(strict=True)
        except AddonError as error:
            if isinstance(error.__cause__, FileNotFoundError):
                raise AddonError(where, _missing(name)) from error.__cause__
            raise
        if not path.is_relative_to(self._root):
            raise AddonError(where, f"is a link that leaves the addon, to {path}; put the file itself there")
        return path

    def _names(self) -> Iterator[str]:
        def refuse(error: OSError) -> None:
            with system_errors(str(error.filename)):
                raise error

        for folder, folders, files in os.walk(self._root, onerror=refuse):
            links = [name for name in folders if Path(folder, name).is_symlink()]  # os.walk does not enter them
            for name in (*files, *links):
                relative = Path(folder, name).relative_to(self._root).as_posix()
                if name not in links or not any(listed.startswith(f"{relative}/") for listed in self.config["files"]):
                    yield relative


def _missing(name: str) -> str:
    if name == CONFIG:
        return "missing; an addon has an addon.json at its top: open the folder that holds it"
    return "missing, but addon.json lists it; get the addon again, or remove it from files"
