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


def installed(registry: Registry) -> Iterator[tuple[str, Path, dict[str, Any] | Exception]]:
    """Yield name, folder, and content of the addon.json of every installed addon, sorted by name.

    Where an addon cannot be read, the error stands for the content.
    """
    from voxstack_addon_spec import AddonError, open_addon

    for name, folder in sorted(registry.addons().items()):
        try:
            yield name, folder, open_addon(folder).config
        except AddonError as error:
            yield name, folder, error
