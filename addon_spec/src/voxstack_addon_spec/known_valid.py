"""Contents of addon.json that are known to be valid, so that they need not be validated each time they are opened.

Importing jsonschema and validating take a quarter of the time in which a voice is loaded. Each content is an empty file
in the user's cache folder, named after a hash of it and of the rules.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import sys
from pathlib import Path

from voxstack_addon_spec.user_cache import cache_folder, is_private, make_private

MAX_KNOWN = 1000
"""Contents that are kept; beyond, those that were validated longest ago are forgotten."""


def is_known(content: str) -> bool:
    """Return whether a content is known to be valid.

    :param content: its SHA-256.
    """
    folder = cache_folder("valid")
    if folder is None:
        return False
    try:
        return (folder / _name(content)).exists() and is_private(folder)
    except OSError:
        return False


def remember(content: str) -> None:
    """Record that a content is valid; where nothing can be written, it is validated again the next time."""
    folder = cache_folder("valid")
    if folder is None:
        return
    with contextlib.suppress(OSError):
        if make_private(folder):
            (folder / _name(content)).touch(mode=0o600)
            _forget(folder)


def _forget(folder: Path) -> None:
    names = os.listdir(folder)
    if len(names) <= MAX_KNOWN:
        return
    oldest = sorted((folder / name for name in names), key=lambda path: path.stat().st_mtime_ns)
    for path in oldest[: len(names) - MAX_KNOWN // 2]:
        path.unlink(missing_ok=True)


def _name(content: str) -> str:
    return hashlib.sha256(f"{content} {_rules()}".encode()).hexdigest()


@functools.cache
def _rules() -> str:
    """Return what changes when this distribution does, which validates."""
    files = sorted(path for path in Path(__file__).parent.rglob("*") if path.suffix in (".py", ".json"))
    parts = [(path.name, status.st_size, status.st_mtime_ns) for path in files if (status := path.stat())]
    return f"{sys.version} {parts}"
