"""``voxstack contexts``: lists where networks can run here, and shows what they run in."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from voxstack_cli.context_option import add_context_option, describe_context
from voxstack_cli.formatting import as_json, report_broken_plugins
from voxstack_cli.registry import registry_of

if TYPE_CHECKING:
    from voxstack import Registry
    from voxstack.networks import ContextLike, Effective
    from voxstack.networks.addon import Addon

COLUMNS = "network role runtime device provider threads precision form shapes batch version".split()


def command(parser: argparse.ArgumentParser) -> None:
    """List where networks can run.

    Without VOICE, lists the devices of all installed runtimes. With VOICE, lists its contexts and whether each is
    available here, which opens its networks. With --context, shows what each of its networks runs in.
    """
    parser.add_argument("addon", nargs="?", metavar="VOICE", help="an installed addon by name, or a folder or .zip")
    add_context_option(parser)
    parser.add_argument(
        "--trust", action="store_true", help="allow code in the addon to run; addons installed with pip are trusted"
    )
    parser.add_argument(
        "--json",
        action="store_true",
        help="print a JSON object: devices and, with VOICE, contexts or effective settings",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """List devices and contexts.

    :raises ContextError: if the requested context is unavailable.
    """
    from voxstack import RequestError

    registry = registry_of(options)
    if options.context is not None and options.addon is None:
        raise RequestError(
            "--context shows what the networks of an addon run in; name one: voxstack contexts amber --context ..."
        )
    result: dict[str, Any] = {"devices": devices(registry)} if options.addon is None else _addon(options, registry)
    print(as_json(result) if options.json else "\n".join(_lines(result)))
    report_broken_plugins(registry)
    return 0


def devices(registry: Registry) -> list[dict[str, str]]:
    """Return the devices of all runtimes, each with the plugin that provides it."""
    from voxstack.networks.opening import available_devices

    return [{"device": device, "plugin": plugin} for device, plugin in available_devices(registry).items()]


def _addon(options: argparse.Namespace, registry: Registry) -> dict[str, Any]:
    from voxstack.networks.addon import Addon
    from voxstack_addon_spec import open_addon

    place, installed = registry.locate(options.addon)
    with open_addon(place) as files:
        head = {"addon": files.config["name"], "version": files.config["version"]}

        def open_in(context: ContextLike | None) -> Addon:
            return Addon(files, registry, context, options.trust or installed)

        if options.context is None:
            rows = [_context_row(name, open_in) for name in _context_names(files.config)]
            return {**head, "contexts": rows, "devices": devices(registry)}
        addon = open_in(options.context)
        requested = describe_context(addon.context)
        return {
            **head,
            "context": addon.context.name or requested,
            "requested": requested,
            "description": addon.context.description,
            "effective": [asdict(row) for row in effective_settings(addon)],
        }


def _context_names(config: dict[str, Any]) -> list[str]:
    return list(config.get("contexts", {})) or ["default"]


def _context_row(name: str, open_in: Callable[[ContextLike | None], Addon]) -> dict[str, Any]:
    """Return what a context requests, and whether it is available."""
    row: dict[str, Any] = {"name": name}
    try:
        addon = open_in(None if name == "default" else name)
        row |= {"requested": describe_context(addon.context), "description": addon.context.description}
        effective_settings(addon)
    except Exception as error:  # an error of a plugin in one context must not hide the other contexts
        from voxstack import VoxstackError

        return {**row, "available": False, "reason": str(error) if isinstance(error, VoxstackError) else repr(error)}
    return {**row, "available": True}


def effective_settings(addon: Addon) -> list[Effective]:
    """Open the networks of a voice's stack, or all of an addon without a stack, and return what each runs in.

    :raises VoxstackError: if the context is unavailable.
    """
    from voxstack import Voice

    if addon.config.get("stack"):
        return Voice(addon).contexts()
    return [network.effective for network in [addon.network(name) for name in addon.networks]]


def _lines(result: dict[str, Any]) -> Iterator[str]:
    if "addon" in result:
        context = f", context {result['context']}" if "context" in result else ""
        yield f"{result['addon']} {result['version']}{context}"
    if result.get("description"):
        yield f"  {result['description']}"
    if "context" in result:
        yield from _table([COLUMNS, *([_cell(row[key]) for key in COLUMNS] for row in result["effective"])])
    for row in result.get("contexts", ()):
        yield f"  {row['name']}: {row.get('requested', '')}{'' if row['available'] else '  (unavailable here)'}"
        if row.get("description"):
            yield f"    {row['description']}"
        if not row["available"]:
            yield f"    {row['reason']}"
    if "devices" in result:
        yield from ["", "devices here"] if "addon" in result else []
        rows = [[row["device"], row["plugin"]] for row in result["devices"]]
        yield from _table(rows or [["no runtime with a device is installed"]])


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, dict):
        return ", ".join(f"{axis} {'/'.join(map(str, sizes))}" for axis, sizes in value.items()) or "any"
    return str(value)


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  " + "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
