"""The distributions that the blocks of a stack come from, as ``plugins`` of addon.json lists them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from voxstack.registry import Registry

CORE = "voxstack-core"


def plugins_of(stack: Any, registry: Registry) -> dict[str, str]:
    """Return the distributions that bring the blocks of a stack, except for the core, each with its version.

    Blocks that are not installed, and those that several distributions bring, are left out.
    """
    names = {registry.distributions_of(name) for name in block_types(stack) if name in registry}
    versions = {name: installed_version(name) for name in sorted(names - {CORE})}
    return {name: number for name, number in versions.items() if number is not None}


def missing_plugins(config: Mapping[str, Any]) -> list[str]:
    """Return the distributions that an addon.json lists and that are installed in another version here, or not at all.

    :returns: a few words on each, for errors.
    """
    rows = []
    for name, wanted in config.get("plugins", {}).items():
        found = installed_version(name)
        if found != wanted:
            rows.append(f"{name} {wanted} ({'not installed' if found is None else f'{found} is installed'})")
    return rows


def missing_plugins_note(config: Mapping[str, Any]) -> str:
    """Return what an addon was made with and is missing here, to end an error with; empty if nothing is."""
    rows = missing_plugins(config)
    return f"; the addon was made with {', '.join(rows)}: ask its author for what is missing" if rows else ""


def block_types(value: Any) -> Iterator[str]:
    """Yield the types of the blocks in the JSON of a stack, an outer one before those inside it."""
    if isinstance(value, Mapping):
        if isinstance(value.get("type"), str):
            yield value["type"]
        for item in value.values():
            yield from block_types(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from block_types(item)


def installed_version(distribution: str) -> str | None:
    """Return the version of an installed distribution, or None if it is not installed."""
    try:
        return version(distribution)
    except (PackageNotFoundError, ValueError):
        return None
