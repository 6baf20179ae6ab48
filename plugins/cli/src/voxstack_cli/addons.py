"""Finds addons the way ``voxstack.load`` does, but opens no more than their addon.json."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from voxstack import Registry


def registry_of(options: argparse.Namespace) -> Registry:
    """Return the registry that ``main`` was given, or that of the installed plugins."""
    from voxstack import Registry

    found: Registry | None = options.registry
    return Registry.installed() if found is None else found


def locate(source: str, registry: Registry) -> tuple[str | Path, bool]:
    """Return where an addon lies, and whether it is an installed one.

    :param source: the name of an installed addon, or the path of a folder or ``.zip``.
    :raises PluginError: for a name that is not installed.
    """
    looks_like_path = Path(source).exists() or Path(source).name != source or source.endswith(".zip")
    if looks_like_path and source not in registry.addons():
        return source, False
    return registry.addon(source), True


def installed(registry: Registry) -> Iterator[tuple[str, Path | None, dict[str, Any] | Exception]]:
    """Yield name, folder, and content of the addon.json of every installed addon, sorted by name.

    Where an addon cannot be read, or a plugin fails to tell its addons (it then has no folder), the error stands for the
    content.
    """
    from voxstack_addon_spec import AddonError, open_addon

    folders: dict[str, Path] = {}
    failed: dict[str, Exception] = {}
    for impl in registry.hook.voxstack_addons.get_hookimpls():
        try:
            folders |= {Path(folder).name: Path(folder) for folder in impl.function()}
        except Exception as error:  # a third party's mistake must not hide the other voices; it is reported
            failed[impl.plugin_name] = error
    for name, folder in sorted(folders.items()):
        try:
            yield name, folder, open_addon(folder).config
        except AddonError as error:
            yield name, folder, error
    for plugin, trouble in failed.items():
        yield plugin, None, trouble
