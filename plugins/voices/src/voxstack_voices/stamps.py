"""Whether an addon on disk is still the one that was opened."""

from __future__ import annotations

from pathlib import Path

Stamp = tuple[int, int, int] | None


def stamp(place: Path) -> Stamp:
    """Something that changes with the addon in a folder or ``.zip``; None where there is none.

    An addon.json has the hashes of all files in it, so it changes with any of them.
    """
    path = place / "addon.json" if place.is_dir() else place
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
