"""``voxstack validate``: whether an addon is what it says and runs here."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from voxstack_cli.addons import registry_of
from voxstack_cli.commands.blocks import report, rows_of
from voxstack_cli.context import context_option
from voxstack_cli.wording import as_json, complain

if TYPE_CHECKING:
    from voxstack import Registry
    from voxstack_addon_spec import AddonFiles


def command(parser: argparse.ArgumentParser) -> None:
    """Check addons.

    Checks addon.json, size and hash of every file, and whether the stack can be built and its networks opened here.
    """
    parser.add_argument("addons", nargs="*", metavar="ADDON", help="an installed addon by name, or a folder or .zip")
    parser.add_argument("--no-load", action="store_true", help="check only addon.json and files; build nothing")
    parser.add_argument(
        "--schema",
        action="store_true",
        help="print the JSON Schema of addon.json with all installed blocks, for editors",
    )
    parser.add_argument("--trust", action="store_true", help="let code in the addons run")
    context_option(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Check each addon; the status is 1 if anything is wrong with any."""
    from voxstack import RequestError

    registry = registry_of(options)
    if options.schema:
        return _print_schema(registry)
    if not options.addons:
        raise RequestError("nothing to validate; name an addon: voxstack validate path/to/addon, or ask for --schema")
    results = [_is_valid(source, registry, options) for source in options.addons]
    return 0 if all(results) else 1


def _is_valid(source: str, registry: Registry, options: argparse.Namespace) -> bool:
    try:
        print(f"OK  {source}: {_checked(source, registry, options)}", flush=True)
    except Exception as error:  # whatever an addon makes a plugin do, the other addons are still to be checked
        if options.debug:
            raise
        complain(f"error: {source}: {_told(error)}")
        return False
    return True


def _told(error: Exception) -> str:
    from voxstack import VoxstackError

    return str(error) if isinstance(error, VoxstackError) else repr(error)


def _checked(source: str, registry: Registry, options: argparse.Namespace) -> str:
    """Check one addon, and say what was found.

    :raises VoxstackError: for the first thing that is wrong.
    """
    from voxstack_addon_spec import open_addon

    place, is_installed = registry.locate(source)
    with open_addon(place) as files:
        files.verify()
        config = files.config
        told = f"{config['name']} {config['version']}, {len(config['files'])} files"
        if options.no_load:
            return told
        return f"{told}, {_loaded(files, registry, options.context, options.trust or is_installed)}"


def _loaded(files: AddonFiles, registry: Registry, context: str | dict[str, Any] | None, trust: bool) -> str:
    """Build the stack, or open every network of an addon that has none."""
    from voxstack import Voice
    from voxstack.networks.addon import Addon

    addon = Addon(files, registry, context, trust)
    where = f"{addon.context.runtime} on {addon.context.device}"
    if "stack" in files.config:
        Voice(addon)
        return f"stack built ({where})"
    networks = [addon.network(name) for name in addon.networks]
    return f"no stack, {len(networks)} networks opened ({where})"


def _print_schema(registry: Registry) -> int:
    from voxstack_addon_spec import combined_schema

    rows, troubles = rows_of(registry)
    print(as_json(combined_schema({row["name"]: (row["kind"], row["schema"]) for row in rows})))
    report(registry, troubles)
    return 0
