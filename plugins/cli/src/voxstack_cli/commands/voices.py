"""``voxstack voices``: lists installed voices, and addons that lend networks."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voxstack_cli.formatting import as_json, report, report_broken_plugins, value_line
from voxstack_cli.registry import registry_of

if TYPE_CHECKING:
    from voxstack import Registry

KEYS = ("version", "description", "license", "languages", "sample_rate", "controls")


def command(parser: argparse.ArgumentParser) -> None:
    """List installed voices.

    Includes addons that only lend networks to voices.
    """
    parser.add_argument("--json", action="store_true", help="print a JSON array with an object for each addon")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """List the installed addons; one that cannot be read is listed with its error."""
    registry = registry_of(options)
    rows = [_row(name, folder, config) for name, folder, config in installed_addons(registry)]
    if options.json:
        print(as_json(rows))
    else:
        for row in rows:
            print("\n".join(_lines(row)))
        if not rows:
            report("no addons are installed; try: pip install voxstack-voice-amber")
    report_broken_plugins(registry)
    return 0


def installed_addons(registry: Registry) -> Iterator[tuple[str, Path, dict[str, Any] | Exception]]:
    """Yield name, folder, and content of the addon.json of every installed addon, sorted by name.

    For an addon that cannot be read, the error is in place of the content.
    """
    from voxstack_addon_spec import AddonError, open_addon

    for name, folder in sorted(registry.addons().items()):
        try:
            yield name, folder, open_addon(folder).config
        except AddonError as error:
            yield name, folder, error


def _row(name: str, folder: Path, config: dict[str, Any] | Exception) -> dict[str, Any]:
    row: dict[str, Any] = {"name": name, "folder": str(folder)}
    if isinstance(config, Exception):
        return {**row, "error": str(config)}
    networks = {key: spec.get("role", "borrowed") for key, spec in config["networks"].items()}
    return {
        **row,
        "speaks": "stack" in config,
        **{key: config[key] for key in KEYS if key in config},
        "networks": networks,
    }


def _lines(row: dict[str, Any]) -> list[str]:
    if "error" in row:
        return [f"{row['name']}  broken: {row['error']}"]
    role = "voice" if row["speaks"] else "lends networks"
    languages = ", ".join(row["languages"]) or "no language"
    lines = [f"{row['name']} {row['version']}  {role}  {languages}  {row['sample_rate']} Hz  {row['license']}"]
    if "description" in row:
        lines.append(f"  {row['description']}")
    if not row["speaks"]:
        lines += [f"  {name} ({kind})" for name, kind in row["networks"].items()]
    return lines + [f"  {value_line(name, schema)}" for name, schema in row["controls"].items()]
