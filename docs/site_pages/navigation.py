"""The navigation: names with ``*`` in mkdocs.yml stand for pages of the repository."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatch
from pathlib import Path
from typing import Any


def expand(nav: list[Any], pages: Mapping[str, Path]) -> list[Any]:
    """Return a navigation in which each name with ``*`` is replaced by the pages without a place of their own.

    :param nav: as in mkdocs.yml: names of pages, or one-item mappings from a title to a name or a list of these.
    :param pages: pages outside docs/, by their place on the site.
    """
    placed = {name for name in _names(nav) if "*" not in name}
    return _expand(nav, pages, placed)


def _expand(nav: list[Any], pages: Mapping[str, Path], placed: set[str]) -> list[Any]:
    rows: list[Any] = []
    for row in nav:
        if isinstance(row, str):
            matches = _matches(row, pages, placed)
            rows += [{_title(name, pages[name]): name} for name in matches] if "*" in row else [row]
        for title, value in row.items() if isinstance(row, dict) else ():
            if isinstance(value, str):
                rows += [{title: name} for name in (_matches(value, pages, placed) if "*" in value else [value])]
            elif inner := _expand(value, pages, placed):
                rows.append({title: inner})
    return rows


def _matches(pattern: str, pages: Mapping[str, Path], placed: set[str]) -> list[str]:
    """Return the pages of a pattern that have no place yet, and give them one."""
    names = [name for name in pages if name not in placed and fnmatch(name, pattern)]
    names = [name for name in names if name.count("/") == pattern.count("/")]
    placed.update(names)
    return names


def _names(nav: list[Any]) -> Iterator[str]:
    for row in nav:
        for value in row.values() if isinstance(row, dict) else [row]:
            yield from _names(value) if isinstance(value, list) else [value]


def _title(name: str, path: Path) -> str:
    """Return the title of a page: the folder of a README, or the first heading of another page."""
    if path.name == "README.md":
        return path.parent.name.replace("_", " ")
    lines = path.read_text("utf-8").splitlines()
    return next((line.removeprefix("# ") for line in lines if line.startswith("# ")), name)
