"""Files that appear only when they are complete."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def write_complete_file(path: Path, text: str) -> None:
    """Write a file in UTF-8. An older one is replaced only when the new one is complete and on the disk.

    :raises RequestError: if it cannot be written; a device or a pipe is written directly.
    """
    with _clear_errors(path):
        target = Path(os.path.realpath(path))  # a link stays
        if target.exists() and not target.is_file():
            target.write_text(text, "utf-8")
            return
        part = _part(target)
        try:
            with part.open("w", encoding="utf-8") as file:
                with suppress(OSError):  # there is no older file, or the file system has no permissions
                    part.chmod(target.stat().st_mode)
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            part.replace(target)
        except BaseException:  # also when interrupted
            with suppress(OSError):
                part.unlink()
            raise


def check_writable(path: Path) -> None:
    """Check that :func:`write_complete_file` can write a file, and leave none.

    :raises RequestError: if it cannot.
    """
    from voxstack import RequestError

    with _clear_errors(path):
        target = Path(os.path.realpath(path))
        if target.exists() and not target.is_file():
            if target.is_dir():
                raise RequestError(f"cannot write {str(path)!r}: it is a folder; give a file")
            return
        part = _part(target)
        try:
            part.open("w").close()
        finally:
            with suppress(OSError):
                part.unlink()


def _part(target: Path) -> Path:
    return target.with_name(f".voxstack-{os.getpid()}-{threading.get_ident()}.part")


@contextmanager
def _clear_errors(path: Path) -> Iterator[None]:
    """Let errors of the system name the file that is to be written, and not the one beside it."""
    try:
        yield
    except OSError as error:
        from voxstack import RequestError

        problem = error.strerror or type(error).__name__
        raise RequestError(f"cannot write {str(path)!r}: {problem}; check the folder, or give another file") from error
