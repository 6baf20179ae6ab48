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
        if isinstance(row, str) and "*" in row:
            for name in pages:
                if name not in placed and fnmatch(name, row) and name.count("/") == row.count("/"):
                    placed.add(name)
                    rows.append({_title(name, pages[name]): name})
        elif isinstance(row, dict):
            rows += [
                {title: _expand(value, pages, placed) if isinstance(value, list) else value}
                for title, value in row.items()
            ]
        else:
            rows.append(row)
    return [row for row in rows if not (isinstance(row, dict) and [] in row.values())]


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
