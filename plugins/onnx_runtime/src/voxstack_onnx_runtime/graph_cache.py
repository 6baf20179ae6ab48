"""Optimized graphs on the disk of this machine.

ONNX Runtime takes several times as long to optimize a graph as to open an optimized one.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import platform
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voxstack.networks import NetworkSpec
from voxstack_addon_spec.integrity import file_version
from voxstack_addon_spec.known_valid import holds
from voxstack_addon_spec.user_cache import cache_folder, is_private, make_private

if TYPE_CHECKING:
    import onnxruntime

MAX_BYTES = 4 * 2**30
"""Size of the cache; beyond it, the graphs that were used longest ago are removed."""

_GRAPH, _HASHES = "graph.onnx", "sha256.json"
_SMALLEST = 1024  # bytes of weights that are stored beside the graph, from where they are mapped into memory


def user_cache() -> GraphCache | None:
    """Return the cache of this user, if it has one."""
    folder = cache_folder("onnx")
    return None if folder is None else GraphCache(folder)


def has_content_hash(spec: NetworkSpec) -> bool:
    """Return whether the digest of a network is that of an addon, which covers the content of its files."""
    return re.match("[0-9a-f]{64}", spec.digest) is not None


def graph_key(spec: NetworkSpec, provider: str, sizes: Mapping[str, int], entries: Mapping[str, Any]) -> str:
    """Return the name of an optimized graph: a hash of everything that it depends on.

    That is the content of the network, the options of the session, ONNX Runtime's version, and the processor, whose
    instructions decide how weights are arranged.
    """
    import onnxruntime

    parts = [spec.digest, spec.form, provider, dict(sizes), {key: str(value) for key, value in entries.items()}]
    parts += [onnxruntime.__version__, _processor()]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


class GraphCache:
    """A folder of optimized graphs, which any number of processes may read and write at once.

    Only a folder that belongs to this user, and that no other user can write to, is used. Each graph is a folder that
    appears when it is complete, with the hashes of its files, which are compared before it is opened: a damaged one
    counts as absent. Whatever fails here only costs time.

    :param most: bytes in all.
    """

    def __init__(self, folder: Path, most: int = MAX_BYTES) -> None:
        self._folder, self._most = folder, most

    def find(self, key: str) -> Path | None:
        """Return the file of a graph; None if it is not there, or not as it was written."""
        place = self._folder / key
        try:
            if not (is_private(self._folder) and is_private(place)):
                return None
        except OSError:  # it is not there
            return None
        try:
            hashes: dict[str, str] = json.loads((place / _HASHES).read_text())
            whole = all(_has_hash(place / Path(name).name, expected) for name, expected in hashes.items())
            os.utime(place)
        except (OSError, ValueError, AttributeError):  # something else than it was written
            whole = False
        if not whole:
            self.discard(key)
        return place / _GRAPH if whole and _GRAPH in hashes else None

    @contextlib.contextmanager
    def storing(self, key: str) -> Iterator[Path | None]:
        """Return a context manager that gives the path to write a graph to, and keeps the graph if it was written.

        The path is None where nothing can be kept.
        """
        place = self._new_place(key)
        if place is None:
            yield None
            return
        try:
            yield place / _GRAPH
            with contextlib.suppress(OSError):
                self._keep(place, key)
        finally:
            shutil.rmtree(place, ignore_errors=True)

    def discard(self, key: str, unusable: bool = False) -> None:
        """Remove a graph.

        :param unusable: keep its place, so that it is not written again.
        """
        place = self._folder / key
        with contextlib.suppress(OSError):
            if unusable:
                (place / _HASHES).write_text("{}")
                (place / _GRAPH).unlink()
            else:
                shutil.rmtree(place)

    def _new_place(self, key: str) -> Path | None:
        """Return a new folder of this process; None if there is the graph, or no place for it."""
        try:
            if not make_private(self._folder) or (self._folder / key).exists():
                return None
            return Path(tempfile.mkdtemp(prefix=".new-", dir=self._folder))
        except OSError:
            return None

    def _keep(self, place: Path, key: str) -> None:
        """Give a complete graph its name; another process may have been faster."""
        if not (place / _GRAPH).exists():
            return
        hashes = {path.name: _sha256(path) for path in place.iterdir()}
        (place / _HASHES).write_text(json.dumps(hashes))
        with contextlib.suppress(OSError):
            place.rename(self._folder / key)
        self._make_room(key)

    def _make_room(self, kept: str) -> None:
        """Remove the graphs that were used longest ago, beyond the size of the cache; not the one just written."""
        found = []
        for place in self._folder.iterdir():
            with contextlib.suppress(OSError):  # another process removes it
                size = sum(path.stat().st_size for path in place.iterdir())
                found.append((place.stat().st_mtime, size, place))
        total = 0
        for _, size, place in sorted(found, reverse=True):
            total += size
            if total > self._most and place.name != kept:
                shutil.rmtree(place, ignore_errors=True)


def store_optimized(options: onnxruntime.SessionOptions, path: Path) -> None:
    """Let a session write its optimized graph to a file, and its weights beside that."""
    options.optimized_model_filepath = str(path)
    prefix = "session.optimized_model_external_initializers"
    options.add_session_config_entry(f"{prefix}_file_name", f"{path.name}.data")
    options.add_session_config_entry(f"{prefix}_min_size_in_bytes", str(_SMALLEST))


def _has_hash(path: Path, expected: str) -> bool:
    return holds(file_version(path.stat()), expected, lambda: _sha256(path) == expected)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@functools.cache
def _processor() -> str:
    """Return what tells processors with different instructions apart."""
    features = os.environ.get("PROCESSOR_IDENTIFIER", "")  # on Windows; platform.processor() may start a program
    with contextlib.suppress(OSError), open("/proc/cpuinfo") as file:
        lines = (line for line in file if line.partition(":")[0].strip() in ("flags", "Features", "model name"))
        features = "".join(sorted(set(lines)))
    return f"{platform.machine()} {features}"
