"""The software and the processor of this machine, on which measurements depend."""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import json
import os
import sys
from pathlib import Path

from voxstack.entry_points import select_entry_points
from voxstack_addon_spec.folder_cache import processor

PACKAGES = ("voxstack", "voxstack_addon_spec", "voxstack_packager")
"""Packages whose code decides what is measured, beside the plugins."""

VARIABLES = ("GOMP_", "KMP_", "MKL_", "NPY_", "OMP_", "ONNX", "OPENVINO_", "ORT_", "OV_", "VOXSTACK_")
"""Beginnings of the names of variables that runtimes read."""


@functools.cache
def software_digest() -> str:
    """Return a hash of all that measurements depend on beside the networks.

    That is Python, the code of voxstack and its plugins, the names and versions of all installed distributions, the
    processor with its number of cores, and the variables that runtimes read.
    """
    variables = {key: value for key, value in os.environ.items() if key.startswith(VARIABLES)}
    variables.pop("VOXSTACK_CACHE", None)
    parts = [sys.version, processor(), os.cpu_count(), sorted(variables.items()), _distributions(), _sources()]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _distributions() -> list[str]:
    """Return the names of the metadata of installed distributions, which contain their versions."""
    names: set[str] = set()
    for folder in filter(os.path.isdir, sys.path):
        names.update(name for name in os.listdir(folder) if name.endswith((".dist-info", ".egg-info")))
    return sorted(names)


def _sources() -> list[tuple[str, str]]:
    """Return the hash of each source file of voxstack and its plugins."""
    plugins = {point.value.partition(":")[0].partition(".")[0] for point in select_entry_points("voxstack")}
    found = []
    for package in sorted({*PACKAGES, *plugins}):
        spec = importlib.util.find_spec(package)
        for path in [] if spec is None or spec.origin is None else _files(Path(spec.origin)):
            found.append((f"{package}/{path.name}", hashlib.sha256(path.read_bytes()).hexdigest()))
    return found


def _files(origin: Path) -> list[Path]:
    return sorted(origin.parent.rglob("*.py")) if origin.name == "__init__.py" else [origin]
