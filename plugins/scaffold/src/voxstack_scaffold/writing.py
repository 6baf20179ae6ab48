"""Files of a plugin from templates, which are package data."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template

from voxstack_scaffold.kinds import Kind
from voxstack_scaffold.names import Names, ScaffoldError

SUFFIX = ".tmpl"
"""Of templates, so that no tool takes them for what they become."""


def render(kind: Kind, variant: str | None, names: Names) -> dict[str, bytes]:
    """Return the files of a plugin by path; those of a variant come before those of its kind."""
    root = files("voxstack_scaffold") / "templates"
    values = names.values()
    values["use"] = list(kind.next_steps(variant, Path(names.folder), values))[-1]
    folders = [root / kind.name, *([root / f"{kind.name}.{variant}"] if variant else [])]
    return {
        Template(path).substitute(values): Template(file.read_text("utf-8")).substitute(values).encode()
        for folder in folders
        for path, file in _templates(folder)
    }


def _templates(folder: Traversable, place: str = "") -> Iterator[tuple[str, Traversable]]:
    """Yield path and file of each template in a folder."""
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            yield from _templates(entry, f"{place}{entry.name}/")
        elif entry.name.endswith(SUFFIX):
            yield place + entry.name.removesuffix(SUFFIX), entry


def write(folder: Path, contents: Mapping[str, bytes]) -> Path:
    """Write a folder of files, as a whole or not at all, and return it.

    :raises ScaffoldError: if it exists, or cannot be written.
    """
    if folder.exists() or folder.is_symlink():
        raise ScaffoldError(f"{folder} exists; choose another name, or another place by --into DIR")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as scratch:
            whole = Path(scratch, folder.name)
            for name, content in contents.items():
                path = whole / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            whole.rename(folder)
    except OSError as error:
        raise ScaffoldError(
            f"{folder} cannot be written: {error.strerror or error}; name another place by --into DIR"
        ) from error
    return folder
