"""The cache folder of this user, for what can be computed again."""

from __future__ import annotations

import os
import stat
import sys
import time
from pathlib import Path

SETTLED = 2.0
"""Seconds within which two changes may have the same time, on the coarsest of file systems."""


def cache_folder(name: str) -> Path | None:
    """Return a folder in ``$VOXSTACK_CACHE``, which may not exist yet; None if that is empty, or for want of a home.

    By default it is in ``voxstack`` in ``$XDG_CACHE_HOME`` (default: ``~/.cache``), on Windows in ``%LOCALAPPDATA%``.
    """
    folder = os.environ.get("VOXSTACK_CACHE")
    if folder is not None:
        return Path(folder, name) if folder else None
    base = os.environ.get("LOCALAPPDATA" if sys.platform == "win32" else "XDG_CACHE_HOME")
    try:
        return Path(base or Path.home() / ".cache", "voxstack", name)
    except RuntimeError:  # this user has no home
        return None


def is_settled(changed: int) -> bool:
    """Return whether something changed so long ago that a further change would be seen in its times.

    :param changed: nanoseconds since the epoch.
    """
    return time.time() - changed / 1e9 > SETTLED


def keep_newest(folder: Path, most: int) -> None:
    """Remove the older half of the files in a folder if there are more than ``most``.

    :raises OSError: if one cannot be removed.
    """
    names = os.listdir(folder)
    if len(names) <= most:
        return
    oldest = sorted((folder / name for name in names), key=lambda path: path.stat().st_mtime_ns)
    for path in oldest[: len(names) - most // 2]:
        path.unlink(missing_ok=True)


def make_private(folder: Path) -> bool:
    """Create a folder if it is not there, and return whether it is private.

    :raises OSError: if it cannot be created.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return is_private(folder)


def is_private(folder: Path) -> bool:
    """Return whether a folder is no link, belongs to this user, and is not writable for others.

    :raises OSError: if it is not there.
    """
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode):
        return False
    if not hasattr(os, "getuid"):  # Windows: a user's own folders are private
        return True
    return status.st_uid == os.getuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
