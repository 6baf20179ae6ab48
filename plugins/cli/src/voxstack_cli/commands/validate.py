"""``voxstack validate``: checks that addons are valid and run here."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from voxstack_cli.commands.blocks import block_rows, report_problems
from voxstack_cli.context_option import add_context_option
from voxstack_cli.formatting import as_json, error_message, report
from voxstack_cli.registry import registry_of

if TYPE_CHECKING:
    from voxstack import Registry
    from voxstack.networks import ContextLike
    from voxstack_addon_spec import AddonFiles


def command(parser: argparse.ArgumentParser) -> None:
    """Check addons.

    Verifies addon.json and the size and hash of every file, builds the stack, and opens its networks.
    """
    parser.add_argument("addons", nargs="*", metavar="ADDON", help="an installed addon by name, or a folder or .zip")
    parser.add_argument("--no-load", action="store_true", help="check only addon.json and files; build nothing")
    parser.add_argument(
        "--schema",
        action="store_true",
        help="print the JSON Schema of addon.json with all installed blocks, for editors",
    )
    parser.add_argument("--trust", action="store_true", help="allow code in the addons to run")
    add_context_option(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Check each addon. The exit status is 1 if any is invalid."""
    from voxstack import RequestError

    registry = registry_of(options)
    if options.schema:
        return _print_schema(registry)
    if not options.addons:
        raise RequestError("nothing to validate; name an addon: voxstack validate path/to/addon, or use --schema")
    results = [_is_valid(source, registry, options) for source in options.addons]
    return 0 if all(results) else 1


def _is_valid(source: str, registry: Registry, options: argparse.Namespace) -> bool:
    try:
        summary = _check(source, registry, options)
    except Exception as error:  # an error in one addon or in its plugins must not keep the others from being checked
        if options.debug:
            raise
        report(f"error: {source}: {error_message(error)}")
        return False
    print(f"OK  {source}: {summary}", flush=True)
    return True


def _check(source: str, registry: Registry, options: argparse.Namespace) -> str:
    """Check one addon, and return a summary.

    :raises VoxstackError: for the first problem.
    """
    from voxstack_addon_spec import open_addon

    place, is_installed = registry.locate(source)
    with open_addon(place) as files:
        files.verify()
        config = files.config
        summary = f"{config['name']} {config['version']}, {len(config['files'])} files"
        if options.no_load:
            return summary
        return f"{summary}, {_load(files, registry, options.context, options.trust or is_installed)}"


def _load(files: AddonFiles, registry: Registry, context: ContextLike | None, trust: bool) -> str:
    """Build the stack, or open every network of an addon that has none."""
    from voxstack import Voice
    from voxstack.networks.addon import Addon

    addon = Addon(files, registry, context, trust)
    place = f"{addon.context.runtime} on {addon.context.device}"
    if "stack" in files.config:
        Voice(addon)
        return f"stack built ({place})"
    networks = [addon.network(name) for name in addon.networks]
    return f"no stack, {len(networks)} networks opened ({place})"


def _print_schema(registry: Registry) -> int:
    from voxstack_addon_spec import combined_schema

    rows, problems = block_rows(registry)
    print(as_json(combined_schema({row["name"]: (row["kind"], row["schema"]) for row in rows})))
    report_problems(registry, problems)
    return 0
