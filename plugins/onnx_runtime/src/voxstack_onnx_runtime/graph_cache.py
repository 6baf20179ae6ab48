"""Optimized graphs on the disk of this machine.

ONNX Runtime takes several times as long to optimize a graph as to open an optimized one.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voxstack.networks import NetworkSpec
from voxstack_addon_spec.folder_cache import FolderCache, processor
from voxstack_addon_spec.user_cache import cache_folder

if TYPE_CHECKING:
    import onnxruntime

MAX_BYTES = 4 * 2**30
"""Size of the cache; beyond it, the graphs that were used longest ago are removed."""

_GRAPH = "graph.onnx"
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
    parts += [onnxruntime.__version__, processor()]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


class GraphCache(FolderCache):
    """A folder of optimized graphs.

    :param most: bytes in all.
    """

    def __init__(self, folder: Path, most: int = MAX_BYTES) -> None:
        super().__init__(folder, _GRAPH, most)


def store_optimized(options: onnxruntime.SessionOptions, path: Path) -> None:
    """Let a session write its optimized graph to a file, and its weights beside that."""
    options.optimized_model_filepath = str(path)
    prefix = "session.optimized_model_external_initializers"
    options.add_session_config_entry(f"{prefix}_file_name", f"{path.name}.data")
    options.add_session_config_entry(f"{prefix}_min_size_in_bytes", str(_SMALLEST))
