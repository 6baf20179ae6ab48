"""Fingerprints of addons on disk, which tell whether an addon is still the one that was opened."""

from __future__ import annotations

from pathlib import Path

Fingerprint = tuple[int, int, int] | None
"""Inode, size in bytes and modification time in nanoseconds of a file; None where there is no file."""


def fingerprint(location: Path) -> Fingerprint:
    """Return a value that changes with the addon in a folder or ``.zip``.

    An addon.json has the hashes of all files in it, so it changes with any of them.
    """
    path = location / "addon.json" if location.is_dir() else location
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns
