"""Output destinations: files, which appear only when they are complete, devices, and stdout."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

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
        return False
    path = Path(destination)
    if path.is_dir():
        raise RequestError(
            f"cannot write {destination!r}: it is a folder; give a file, such as {str(path / example)!r}"
        )
    if not path.resolve().parent.is_dir() and not path.exists():
        raise RequestError(f"cannot write {destination!r}: there is no folder {str(path.parent)!r}; create it first")
    return path.is_file() or not path.exists()  # else a device or a pipe


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
def open_destination(destination: str) -> Iterator[IO[bytes]]:
    """Open a destination for writing. An older file is replaced only when the block ends without an error.

    :raises RequestError: if it cannot be opened.
    """
    if destination == STDOUT:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    path = Path(destination)
    if path.exists() and not path.is_file():
        with _open(path) as device:
            yield device
        return
    target = path.resolve()  # follows a link, so that the link stays
    part = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        with _open(part) as file:
            yield file
        part.replace(target)
    except BaseException:  # also when interrupted
        part.unlink(missing_ok=True)
        raise


def _open(path: Path) -> IO[bytes]:
    try:
        return path.open("wb")
    except OSError as error:
        raise RequestError(f"cannot write {str(path)!r}: {error.strerror}; give another file") from error
