"""Networks that were measured before on this machine, kept in the user's cache folder with what was measured.

Everything that a measurement depends on is compared: the graph or the traced program with its weights, what is declared
of it, its golden vectors, every example that it was measured with, the software, and the processor. A network is kept
as soon as it is measured: if a later one fails, the next attempt finds it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from voxstack_addon_spec.folder_cache import HASHES, FolderCache
from voxstack_addon_spec.user_cache import cache_folder
from voxstack_packager.known.module_digest import computes_the_same, module_digest
from voxstack_packager.known.recorded_examples import RecordedExamples, are_repeated, arrays_digest
from voxstack_packager.known.software import software_digest
from voxstack_packager.network_packaging import package_network
from voxstack_packager.sources import NetworkSource, OnnxSource, Source

MAX_BYTES = 2 * 2**30
"""Size of the cache; beyond it, the networks that were used longest ago are removed."""

_ENTRY = "network.json"


def package_known(source: Source, folder: Path, progress: Callable[[str], None], time_limit: float) -> dict[str, Any]:
    """Package a network as :func:`package_network` does, or copy what that made of the same network before."""
    place = cache_folder("measured")
    if place is not None and isinstance(source, NetworkSource):
        progress(f"{source.name}: tracing")
    key = None if place is None else _key(source)
    if place is None or key is None:
        return package_network(source, folder, progress, time_limit)
    cache = FolderCache(place, _ENTRY, MAX_BYTES)
    found = cache.find(key)
    known = None if found is None else _known(source, found, folder)
    if known is not None:
        progress(f"{source.name}: measured before, with the same software; {json.dumps(known['measured'])}")
        return known
    recorded = RecordedExamples(source.examples) if callable(source.examples) else None
    measured = source if recorded is None else _with_examples(source, recorded)
    with tempfile.TemporaryDirectory(prefix=f"{source.name}-", dir=folder.parent) as work:
        entry = package_network(measured, Path(work), progress, time_limit)
        _copy(Path(work), folder)
        with contextlib.suppress(OSError), cache.storing(key) as path:
            if path is not None:
                _copy(Path(work), path.parent)
                records = [] if recorded is None else recorded.records
                path.write_text(json.dumps({"examples": records, "entry": entry}), "utf-8")
    return entry


def _with_examples(source: Source, examples: RecordedExamples) -> Source:
    assert isinstance(source, NetworkSource | OnnxSource), "there are no other sources"
    return replace(source, examples=examples)


def _known(source: Source, found: Path, folder: Path) -> dict[str, Any] | None:
    """Return the entry of a network that was measured before, with its files in the folder; None if examples differ."""
    try:
        kept = json.loads(found.read_text("utf-8"))
        if callable(source.examples) and not are_repeated(source.examples, kept["examples"]):
            return None
        if isinstance(source, NetworkSource) and not computes_the_same(source, found.parent):
            return None
        _copy(found.parent, folder)
        entry: dict[str, Any] = kept["entry"]
    except OSError:  # another process made room
        return None
    return entry


def _copy(place: Path, folder: Path) -> None:
    for path in _files(place):
        target = folder / path.relative_to(place)
        target.parent.mkdir(exist_ok=True)
        shutil.copyfile(path, target)


def _files(place: Path) -> Iterator[Path]:
    return (path for path in place.rglob("*") if path.is_file() and path.name not in (_ENTRY, HASHES))


def _key(source: Source) -> str | None:
    """Return a hash of all that a measurement depends on, but for examples that a function returns.

    None if a network cannot be identified.
    """
    digest = hashlib.sha256(software_digest().encode())
    content = _content(source)
    if content is None:
        return None
    digest.update(content)
    given, expected = getattr(source, "golden", None) or ({}, {})
    arrays = [given, expected, source.initial, {} if callable(source.examples) else source.examples]
    parts: list[Any] = [source.name, source.role, source.description, repr(source.signature), source.streaming]
    parts += [source.stream_input, repr(source.autoregressive), repr(source.states), source.end, source.half]
    parts += [getattr(source, "golden", None) is None, callable(source.examples), *map(arrays_digest, arrays)]
    if isinstance(source, NetworkSource):
        parts += [source.stateful, source.fallback, list(source.formats)]
    digest.update(json.dumps(parts).encode())
    return digest.hexdigest()


def _content(source: Source) -> bytes | None:
    """Return a graph with its weights, or a hash of a module; None for a module that cannot be identified."""
    if isinstance(source, NetworkSource):
        digest = module_digest(source)
        return None if digest is None else digest.encode()
    assert isinstance(source, OnnxSource), "there are no other sources"
    if isinstance(source.model, str | os.PathLike):
        return _loaded(source.model)
    content: bytes = source.model.SerializeToString(deterministic=True)
    return content


def _loaded(path: str | os.PathLike[str]) -> bytes:
    """Return a graph with its weights, which may be in other files."""
    import onnx

    content: bytes = onnx.load(path).SerializeToString(deterministic=True)
    return content
