"""The entry points of the installed distributions.

Reading them takes as long as importing the rest of the core, so they are kept in the user's cache folder, under a hash
of all that they are read from.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import pkgutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from voxstack_addon_spec.user_cache import cache_folder, is_private, is_settled, keep_newest, make_private

GROUP = "voxstack"
"""The group of plugins; other groups of voxstack begin with it and a period."""

MAX_KEPT = 50
"""Sets of installed distributions whose entry points are kept."""


class EntryPoint(NamedTuple):
    """An entry point of a distribution."""

    group: str
    name: str
    value: str
    distribution: str

    def load(self) -> Any:
        """Return the module or object that it names."""
        reference = self.value.partition(" ")[0]  # "[extra]" may follow
        return pkgutil.resolve_name(reference if ":" in reference else f"{reference}:")


@functools.cache
def installed_entry_points() -> tuple[EntryPoint, ...]:
    """Return the entry points of voxstack's groups, read once per process."""
    state, folder = _installed_state(), cache_folder("entry_points")
    if state is None or folder is None:
        return _read()
    place = folder / hashlib.sha256(json.dumps(state).encode()).hexdigest()
    with contextlib.suppress(OSError, ValueError, TypeError):  # it is not there, or damaged
        if is_private(folder):
            return tuple(EntryPoint(*map(str, row)) for row in json.loads(place.read_text("utf-8")))
    points = _read()
    if is_settled(max((changed for *_, changed in state), default=0)):
        with contextlib.suppress(OSError):
            _keep(place, points)
    return points


def select_entry_points(group: str, name: str | None = None) -> Iterator[EntryPoint]:
    """Yield the installed entry points of a group, of one name if it is given."""
    return (point for point in installed_entry_points() if point.group == group and name in (None, point.name))


def _read() -> tuple[EntryPoint, ...]:
    import importlib_metadata

    return tuple(
        EntryPoint(point.group, point.name, point.value, getattr(point.dist, "name", "an unknown distribution"))
        for point in importlib_metadata.entry_points()
        if point.group.partition(".")[0] == GROUP
    )


def _installed_state() -> list[tuple[str, str, int]] | None:
    """Return the metadata of distributions on the path: folder, name, and when its entry points were written.

    None if distributions are found in other ways, too.
    """
    finders = [finder for finder in sys.meta_path if hasattr(finder, "find_distributions")]
    if any("importlib" not in getattr(finder, "__module__", "") for finder in finders):
        return None
    found: list[tuple[str, str, int]] = []
    for folder in sys.path:
        path = os.path.abspath(folder)
        try:
            names = sorted(name for name in os.listdir(path) if name.endswith((".dist-info", ".egg-info")))
        except NotADirectoryError:
            return None  # an archive, which may contain some
        except OSError:
            continue
        found += [(path, name, _changed(os.path.join(path, name, "entry_points.txt"))) for name in names]
    return found


def _changed(path: str) -> int:
    try:
        return os.stat(path).st_mtime_ns
    except OSError:  # most have none
        return 0


def _keep(place: Path, points: tuple[EntryPoint, ...]) -> None:
    if make_private(place.parent):
        written = place.with_suffix(f".{os.getpid()}")
        written.write_text(json.dumps(points), "utf-8")
        written.replace(place)
        keep_newest(place.parent, MAX_KEPT)
