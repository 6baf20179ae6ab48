"""The record of what is known to be valid: contents of addon.json, entries of stacks, and files with their hashes.

Importing jsonschema, validating and hashing take a third of the time in which a voice is loaded. Each of them is an
empty file in the user's cache folder, named after a hash of it and of the rules.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from voxstack_addon_spec.integrity import FileVersion
from voxstack_addon_spec.user_cache import cache_folder, is_private, is_settled, keep_newest, make_private

MAX_KNOWN = 4000
"""Contents that are kept; beyond, those that were validated longest ago are forgotten."""


def checked_value(schema: Mapping[str, Any], value: object) -> str | None:
    """Return the name of a value that is checked against a JSON Schema; None if either is no JSON."""
    try:
        return json.dumps([schema, value], sort_keys=True)
    except (TypeError, ValueError, RecursionError):
        return None


def is_known(content: str) -> bool:
    """Return whether a content is known to be valid.

    :param content: its name: itself, or a hash of it.
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
            keep_newest(folder, MAX_KNOWN)


def holds(version: FileVersion, fact: str, check: Callable[[], bool]) -> bool:
    """Return whether something is so in a version of a file, such as its hash.

    :param check: finds it out; called unless it was found to be so before. What was written just now is checked again.
    """
    name = f"{version} {fact}"
    if is_known(name):
        return True
    found = check()
    if found and is_settled(max(version[-2:])):
        remember(name)
    return found


def _name(content: str) -> str:
    return hashlib.sha256(f"{content} {_rules()}".encode()).hexdigest()


@functools.cache
def _rules() -> str:
    """Return what changes when this distribution does, which validates."""
    files = sorted(path for path in Path(__file__).parent.rglob("*") if path.suffix in (".py", ".json"))
    parts = [(path.name, status.st_size, status.st_mtime_ns) for path in files if (status := path.stat())]
    return f"{sys.version} {parts}"
