"""Output destinations: files, which appear only when they are complete, devices, and stdout."""

from __future__ import annotations

import io
import os
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from voxstack import RequestError

STDOUT = "-"


def check_destination(destination: str, example: str) -> bool:
    """Check a destination before anything is synthesized.

    :param destination: path of a file or device, or ``-`` for stdout.
    :param example: a correct file name, for errors.
    :returns: whether it is a file, whose extension matters; it does not for stdout and devices.
    :raises RequestError: for a folder, or a file in a folder that does not exist.
    """
    if destination == STDOUT:
        if sys.stdout is None or sys.stdout.closed:
            raise RequestError("stdout is closed; give a file, or open stdout")
        return False
    if "\0" in destination:
        raise RequestError(f"cannot write {destination!r}: a file name has no NUL; give another file")
    path = Path(destination)
    if path.is_dir():
        raise RequestError(
            f"cannot write {destination!r}: it is a folder; give a file, such as {str(path / example)!r}"
        )
    if not path.resolve().parent.is_dir() and not path.exists():
        raise RequestError(f"cannot write {destination!r}: there is no folder {str(path.parent)!r}; create it first")
    return is_file(destination)


def is_file(destination: str) -> bool:
    """Return whether a destination is a file, and neither stdout, a device nor a pipe."""
    path = Path(destination)
    return destination != STDOUT and (path.is_file() or not path.exists())


def check_distinct(destinations: Sequence[str]) -> None:
    """Check that no two destinations are the same.

    :raises RequestError: for two that are the same.
    """
    seen: dict[str, str] = {}
    for destination in destinations:
        key = destination if destination == STDOUT else str(Path(destination).resolve())
        if key in seen:
            both = "stdout" if key == STDOUT else f"{seen[key]!r} and {destination!r}, which are the same file"
            raise RequestError(f"two outputs go to {both}; give each a file of its own")
        seen[key] = destination


@contextmanager
def open_destinations(destinations: Iterable[str]) -> Iterator[list[IO[bytes]]]:
    """Open destinations for writing, in this order.

    Older files are replaced only when the block ends without an error and all new ones are complete and on the disk.

    :raises RequestError: if one cannot be opened or written.
    """
    parts: list[_Part] = []
    try:
        with ExitStack() as files:
            yield [_opened(destination, files, parts) for destination in destinations]
            for part in parts:
                part.finish()
        for part in parts:
            part.replace()
    except BaseException:  # also when interrupted
        for part in parts:
            part.remove()
        raise


@contextmanager
def open_destination(destination: str) -> Iterator[IO[bytes]]:
    """Open one destination for writing, as :func:`open_destinations` does."""
    with open_destinations([destination]) as (file,):
        yield file


def _opened(destination: str, files: ExitStack, parts: list[_Part]) -> IO[bytes]:
    """Open a destination; append a file, which must be put in place at the end, to ``parts``."""
    if destination == STDOUT:
        files.callback(sys.stdout.buffer.flush)
        return sys.stdout.buffer
    path = Path(destination)
    if path.exists() and not path.is_file():  # a device or a pipe
        return files.enter_context(_opened_file(path, destination))
    part = _Part(destination)
    parts.append(part)  # first: it is removed even if opening it is interrupted
    return files.enter_context(part.open())


class _Part:
    """A file that is written beside its place, and put there when it is complete."""

    def __init__(self, destination: str) -> None:
        self._destination = destination
        self._target = Path(destination).resolve()  # follows a link, so that the link stays
        self._path = self._target.with_name(f"{self._target.name}.{os.getpid()}-{threading.get_ident()}.part")
        self._file: IO[bytes] | None = None

    def open(self) -> IO[bytes]:
        self._file = file = _opened_file(self._path, self._destination)
        with suppress(OSError):  # there is no older file, or the file system has no permissions
            self._path.chmod(self._target.stat().st_mode)
        return file

    def finish(self) -> None:
        """Write everything to the disk."""
        assert self._file is not None, "it is open"
        with _clear_errors(self._destination):
            self._file.flush()
            os.fsync(self._file.fileno())

    def replace(self) -> None:
        with _clear_errors(self._destination):
            self._path.replace(self._target)

    def remove(self) -> None:
        with suppress(OSError):  # there is no such file, or its name is too long to be one
            self._path.unlink()


class _File(io.FileIO):
    """A file whose errors name its destination."""

    def __init__(self, path: Path, destination: str) -> None:
        self._destination = destination
        super().__init__(path, "w")

    def write(self, data: Any, /) -> int:
        with _clear_errors(self._destination):
            return super().write(data)


def _opened_file(path: Path, destination: str) -> IO[bytes]:
    with _clear_errors(destination):
        return io.BufferedWriter(_File(path, destination))


@contextmanager
def _clear_errors(destination: str) -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:  # the reader of a named pipe has gone
        raise
    except OSError as error:
        raise RequestError(
            f"cannot write {destination!r}: {error.strerror}; free space, or give another file"
        ) from error
