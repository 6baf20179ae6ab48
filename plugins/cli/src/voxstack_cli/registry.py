"""The registry that a command uses."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from voxstack import Registry


def registry_of(options: argparse.Namespace) -> Registry:
    """Return the registry that ``main`` received, or that of the installed plugins."""
    from voxstack import Registry

    registry: Registry | None = options.registry
    return Registry.installed() if registry is None else registry
