"""Outlines of files, for functions that recognise the voices of a format."""

from __future__ import annotations

import functools
import json
from collections.abc import Hashable
from pathlib import Path
from typing import Any, NamedTuple

from voxstack_addon_spec.integrity import file_version


class Outline(NamedTuple):
    """The names of the inputs of an ONNX graph, and its metadata."""

    inputs: frozenset[str]
    metadata: dict[str, str]


def outline(path: Path) -> Outline:
    """Return the outline of an ONNX graph; an empty one for any other file.

    A version of a file is read once, whichever importers ask for it.
    """
    if path.suffix != ".onnx" or not path.is_file():
        return Outline(frozenset(), {})
    return _read_outline(path, file_version(path.stat()))


@functools.lru_cache(maxsize=64)
def _read_outline(path: Path, version: Hashable) -> Outline:
    import onnx

    try:
        model = onnx.load(path, load_external_data=False)
    except Exception:  # protobuf's error for other files has no public base class but this
        return Outline(frozenset(), {})
    weights = {tensor.name for tensor in model.graph.initializer}
    inputs = frozenset(value.name for value in model.graph.input) - weights
    return Outline(inputs, {entry.key: entry.value for entry in model.metadata_props})


def json_object(path: Path) -> dict[str, Any]:
    """Return the object in a JSON file; an empty one for any other file."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
