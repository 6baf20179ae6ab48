"""The files of an addon. Only files that its addon.json lists are read, and their sizes and hashes are checked."""

from __future__ import annotations

import hashlib
import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, closing
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from voxstack_addon_spec.errors import AddonError
from voxstack_addon_spec.file_names import CONFIG, SIGNATURE
from voxstack_addon_spec.integrity import checked_chunks, wrap_os_errors
from voxstack_addon_spec.known_valid import is_known, remember
from voxstack_addon_spec.strict_json import MAX_SIZE, parse_object
from voxstack_addon_spec.validation import validate_config
from voxstack_addon_spec.wording import did_you_mean

MAX_SIGNATURE = 16 * 1024  # bytes


class AddonFiles(ABC):
    """The files of an addon, as :func:`.open_addon` returns them; a context manager that closes itself.

    ``location`` is the path that was opened, ``config`` the valid content of its addon.json, and ``config_sha256`` the
    hash of the bytes that ``config`` was read from. Safe to use from several threads.
    """

    location: str
    config: dict[str, Any]
    config_sha256: str

    @abstractmethod
    def path(self, name: str) -> Path:
        """Return the path of a file on disk, after checking its size and hash.

        The file stays there until the addon is closed or no longer referenced. Files have the same relative paths as in
        the addon, but a file inside a ``.zip`` is unpacked only when it is requested: request all files that belong
        together. A file in a folder that has not changed since it was hashed is not hashed again.

        :param name: as ``files`` lists it.
        :raises AddonError: if the file is not listed, missing, unreadable, outside the addon, or not as listed.
        """

    def read(self, name: str) -> bytes:
        """Return the content of a file, after checking its size and hash.

        :param name: as ``files`` lists it.
        :raises AddonError: as for :meth:`path`.
        """
        return b"".join(self.chunks(name))

    def verify(self) -> None:
        """Check every file, and that the addon contains no file that addon.json does not list.

        :raises AddonError: for the first file that is wrong.
        """
        for name in sorted(self.config["files"]):
            for _ in self.chunks(name):
                pass
        unlisted = sorted(set(self._names()) - {*self.config["files"], CONFIG, SIGNATURE})
        if unlisted:
            more = f" and {len(unlisted) - 1} more" if len(unlisted) > 1 else ""
            problem = f"contains {unlisted[0]!r}{more}, which addon.json does not list"
            raise AddonError(self.location, f"{problem}; list or remove it")

    def signature(self) -> bytes | None:
        """Return the content of addon.json.sig, which is not checked here; None if the addon has no such file.

        :raises AddonError: if it cannot be read, is larger than 16 KiB, or lies outside the addon.
        """
        if not self._contains(SIGNATURE):
            return None
        return self._read_unlisted(SIGNATURE, MAX_SIGNATURE, "sign the addon again")

    def chunks(self, name: str) -> Iterator[bytes]:
        """Yield a file in chunks of at most 1 MiB, to be used only after the last one has arrived without an error.

        :param name: as ``files`` lists it.
        :raises AddonError: as for :meth:`path`.
        """
        entry = self._entry(name)
        where = self._where(name)
        with closing(self._open(name, entry)) as stream, self._wrap_read_errors(where):
            yield from checked_chunks(stream, entry, where)

    @abstractmethod
    def close(self) -> None:
        """Release everything that is open. Paths inside a ``.zip`` are gone afterwards. Idempotent."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @abstractmethod
    def _open(self, name: str, entry: Mapping[str, Any] | None) -> IO[bytes]:
        """Open a file of at most the size in its entry; None for addon.json and its signature."""

    @abstractmethod
    def _contains(self, name: str) -> bool:
        """Return whether the addon contains a file of this name, listed or not."""

    @abstractmethod
    def _names(self) -> Iterator[str]:
        """Yield the name of every file that the addon contains, listed or not."""

    def _wrap_read_errors(self, where: str) -> AbstractContextManager[None]:
        """Return a context manager that raises the errors of reading an open file as AddonErrors."""
        return wrap_os_errors(where)

    def _where(self, name: str) -> str:
        return f"{self.location.rstrip('/' + os.sep)}/{name}"

    def _entry(self, name: str) -> Mapping[str, Any]:
        files: dict[str, dict[str, Any]] = self.config["files"]
        if name not in files:
            problem = f"files does not list {name!r}" + did_you_mean(name, files, "list it there")
            raise AddonError(self._where(CONFIG), problem)
        return files[name]

    def _read_config(self) -> dict[str, Any]:
        where = self._where(CONFIG)
        data = self._read_unlisted(CONFIG, MAX_SIZE, "keep tables in files of their own")
        config = parse_object(data, where)
        self.config_sha256 = hashlib.sha256(data).hexdigest()
        if not is_known(self.config_sha256):
            validate_config(config, where)
            remember(self.config_sha256)
        return config

    def _read_unlisted(self, name: str, limit: int, advice: str) -> bytes:
        where = self._where(name)
        with closing(self._open(name, None)) as stream, self._wrap_read_errors(where):
            data = stream.read(limit + 1)
        if len(data) > limit:
            raise AddonError(where, f"is larger than {limit} bytes; {advice}")
        return data
