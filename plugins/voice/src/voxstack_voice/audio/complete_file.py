"""Files that appear only when they are complete."""

from __future__ import annotations

import contextlib
import os
import threading
from pathlib import Path

from voxstack.errors import RequestError


def write_complete_file(path: Path, content: bytes) -> None:
    """Write a file beside ``path``, and put it in place when it is complete; a device or a pipe is written directly.

    :raises RequestError: if it cannot be written.
    """
    try:
        target = Path(os.path.realpath(path))  # a link stays
        if target.exists() and not target.is_file():
            target.write_bytes(content)
            return
        part = target.with_name(f".voxstack-{os.getpid()}-{threading.get_ident()}.part")
        try:
            with part.open("wb") as file:
                with contextlib.suppress(OSError):  # there is no older file, or the file system has no permissions
                    part.chmod(target.stat().st_mode)
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            part.replace(target)
        except BaseException:  # also when interrupted
            part.unlink(missing_ok=True)
            raise
    except OSError as error:
        if not path.parent.exists():
            raise RequestError(
                f"cannot write {str(path)!r}: there is no folder {str(path.parent)!r}; create it first"
            ) from error
        raise RequestError(
            f"cannot write {str(path)!r}: {error.strerror or error}; an older file is unchanged; free space or choose "
            "another folder"
        ) from error
