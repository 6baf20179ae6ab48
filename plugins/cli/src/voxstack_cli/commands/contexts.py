"""``voxstack contexts``: where networks can run here, and what they run in."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from voxstack_cli.addons import registry_of
from voxstack_cli.context import context_option, parts
from voxstack_cli.wording import as_json, complain_of_plugins

if TYPE_CHECKING:
    from voxstack import Registry
    from voxstack.networks import ContextLike, Effective
    from voxstack.networks.addon import Addon

COLUMNS = (
    "network",
    "role",
    "runtime",
    "device",
    "provider",
    "threads",
    "precision",
    "form",
    "shapes",
    "batch",
    "version",
)


def command(parser: argparse.ArgumentParser) -> None:
    """List where networks can run.

    Without VOICE, lists the devices of all installed runtimes. With VOICE, lists its contexts and whether each is available here,
    which takes opening its networks. With --context, shows what each of its networks runs in.
    """
    parser.add_argument("addon", nargs="?", metavar="VOICE", help="an installed addon by name, or a folder or .zip")
    context_option(parser)
    parser.add_argument(
        "--trust", action="store_true", help="let code in the addon run; what was installed with pip is trusted"
    )
    parser.add_argument(
        "--json", action="store_true", help="a JSON object: devices and, with VOICE, contexts or what is effective"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """List devices and contexts.

    :raises ContextError: if the context that was asked for cannot be had.
    """
    from voxstack import RequestError

    registry = registry_of(options)
    if options.context is not None and options.addon is None:
        raise RequestError(
            "--context shows what the networks of an addon run in; name one: voxstack contexts amber --context ..."
        )
    found: dict[str, Any] = {"devices": devices(registry)} if options.addon is None else _of_addon(options, registry)
    print(as_json(found) if options.json else "\n".join(_lines(found)))
    complain_of_plugins(registry)
    return 0


def devices(registry: Registry) -> list[dict[str, str]]:
    """Return the devices of all runtimes, each with the plugin that brings it."""
    from voxstack.networks.opening import available_devices

    return [{"device": device, "plugin": plugin} for device, plugin in available_devices(registry).items()]


def _of_addon(options: argparse.Namespace, registry: Registry) -> dict[str, Any]:
    from voxstack.networks.addon import Addon
    from voxstack_addon_spec import open_addon

    place, installed = registry.locate(options.addon)
    with open_addon(place) as files:
        head = {"addon": files.config["name"], "version": files.config["version"]}

        def open_in(context: ContextLike | None) -> Addon:
            return Addon(files, registry, context, options.trust or installed)

        if options.context is None:
            return {
                **head,
                "contexts": [_row(name, open_in) for name in _names(files.config)],
                "devices": devices(registry),
            }
        addon = open_in(options.context)
        asked = ", ".join(parts(addon.context))
        told = {"context": addon.context.name or asked, "requested": asked, "description": addon.context.description}
        return {**head, **told, "effective": [asdict(row) for row in effective(addon)]}


def _names(config: dict[str, Any]) -> list[str]:
    return list(config.get("contexts", {})) or ["default"]


def _row(name: str, open_in: Callable[[ContextLike | None], Addon]) -> dict[str, Any]:
    """What one context asks for, and whether it can be had."""
    row: dict[str, Any] = {"name": name}
    try:
        addon = open_in(None if name == "default" else name)
        row |= {"requested": ", ".join(parts(addon.context)), "description": addon.context.description}
        effective(addon)
    except Exception as error:  # whatever a plugin does in one context, the others are still to be listed
        from voxstack import VoxstackError

        return {**row, "available": False, "reason": str(error) if isinstance(error, VoxstackError) else repr(error)}
    return {**row, "available": True}


def effective(addon: Addon) -> list[Effective]:
    """Open what a voice needs, or every network of an addon that does not speak, and return what each runs in.

    :raises VoxstackError: if it cannot be had.
    """
    from voxstack import Voice

    if addon.config.get("stack"):
        return Voice(addon).contexts()
    return [network.effective for network in [addon.network(name) for name in addon.networks]]


def _lines(found: dict[str, Any]) -> Iterator[str]:
    if "addon" in found:
        yield f"{found['addon']} {found['version']}" + (f", context {found['context']}" if "context" in found else "")
    if found.get("description"):
        yield f"  {found['description']}"
    if "context" in found:
        yield from _table([COLUMNS, *([_cell(row[key]) for key in COLUMNS] for row in found["effective"])])
    for row in found.get("contexts", ()):
        yield f"  {row['name']}: {row.get('requested', '')}{'' if row['available'] else '  (cannot be had here)'}"
        if row.get("description"):
            yield f"    {row['description']}"
        if not row["available"]:
            yield f"    {row['reason']}"
    if "devices" in found:
        yield from ["", "devices here"] if "addon" in found else []
        yield from _table(
            [(row["device"], row["plugin"]) for row in found["devices"]] or [("no runtime that has any is installed",)]
        )


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
