"""Finds the subcommands of other plugins, and imports no plugin that has none."""

from __future__ import annotations

import argparse
import importlib.util
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pluggy

import voxstack_cli
from voxstack_cli.wording import complain

if TYPE_CHECKING:
    from voxstack import Registry

HOOK = "voxstack_commands"


def add_plugin_commands(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], registry: Registry | None
) -> None:
    """Add the subcommands that plugins bring beside those of this one, and report plugins that fail to.

    :param registry: where the plugins are; if None, the installed ones whose modules speak of the hook. Importing all of
        them, and numpy with them, would make ``--help`` several times slower.
    """
    caller = registry.hook.voxstack_commands if registry is not None else _installed()
    for impl in sorted(caller.get_hookimpls(), key=lambda impl: str(impl.plugin_name)):
        if impl.plugin is voxstack_cli:
            continue
        try:
            impl.function(commands=commands)
        except Exception as error:  # a third party's mistake must not take the others down; it is reported
            complain(f"plugin {impl.plugin_name!r} cannot add its commands: {error!r}")


def _installed() -> Any:
    """Return pluggy's caller of the hook for the installed plugins that may implement it."""
    manager = pluggy.PluginManager("voxstack")
    manager.register(voxstack_cli, "cli")
    for point in entry_points(group="voxstack"):
        if manager.has_plugin(point.name):
            continue
        try:
            if _speaks_of_hook(point):
                manager.register(point.load(), point.name)
        except Exception as error:  # likewise
            complain(f"plugin {point.name!r} ({point.dist.name if point.dist else 'unknown'}) is broken: {error!r}")
    return getattr(manager.hook, HOOK)


def _speaks_of_hook(point: EntryPoint) -> bool:
    """Whether the source of a plugin's module has the name of the hook in it; True where there is no source to read."""
    spec = importlib.util.find_spec(point.module)
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        return True
    try:
        return HOOK.encode() in Path(spec.origin).read_bytes()
    except OSError:  # inside a zip
        return True
