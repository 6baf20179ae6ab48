"""Where the command writes: files, which appear only when they are complete, devices, and stdout."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from voxstack import RequestError

STDOUT = "-"


def check(out: str, example: str) -> bool:
    """Check a place before anything is made for it.

    :param out: path of a file, or ``-`` for stdout.
    :param example: name of a file that would be right.
    :returns: whether it is a file, the name of which is to have the right ending.
    :raises RequestError: for a folder, or a file that cannot be there.
    """
    if out == STDOUT:
        return False
    path = Path(out)
    if path.is_dir():
        raise RequestError(f"cannot write {out!r}: it is a folder; give a file, such as {str(path / example)!r}")
    if not path.resolve().parent.is_dir() and not path.exists():
        raise RequestError(f"cannot write {out!r}: there is no folder {str(path.parent)!r}; make it first")
    return path.is_file() or not path.exists()  # else a device or a pipe


def check_apart(outs: Sequence[str]) -> None:
    """Check that each place is another one.

    :raises RequestError: for two that are the same.
    """
    seen: dict[str, str] = {}
    for out in outs:
        key = out if out == STDOUT else str(Path(out).resolve())
        if key in seen:
            both = "stdout" if out == STDOUT else f"{seen[key]!r} and {out!r}, which are the same file"
            raise RequestError(f"two things are to be written to {both}; give each a file of its own")
        seen[key] = out


@contextmanager
def opened(out: str) -> Iterator[IO[bytes]]:
    """Open a place. An older file is replaced only if all went well.

    :raises RequestError: if it cannot be opened.
    """
    if out == STDOUT:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    path = Path(out)
    if path.exists() and not path.is_file():
        with _opened(path) as device:
            yield device
        return
    target = path.resolve()  # behind a link, so that the link stays
    part = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        with _opened(part) as file:
            yield file
        part.replace(target)
    except BaseException:  # also when interrupted
        part.unlink(missing_ok=True)
        raise


def _opened(path: Path) -> IO[bytes]:
    try:
        return path.open("wb")
    except OSError as error:
        raise RequestError(f"cannot write {str(path)!r}: {error.strerror}; give another file") from error
