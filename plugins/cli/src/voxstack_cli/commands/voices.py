"""``voxstack voices``: what is installed that speaks, or lends networks."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from voxstack_cli.addons import installed, registry_of
from voxstack_cli.wording import as_json, complain, complain_of_plugins, value_line

KEYS = ("version", "description", "license", "languages", "sample_rate", "controls")


def command(parser: argparse.ArgumentParser) -> None:
    """List installed voices.

    Addons without a stack, which lend networks to voices, are listed too.
    """
    parser.add_argument("--json", action="store_true", help="a JSON array, an object for each addon")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """List them; one that cannot be read is listed with its error."""
    registry = registry_of(options)
    rows = [_row(name, folder, found) for name, folder, found in installed(registry)]
    if options.json:
        print(as_json(rows))
    else:
        for row in rows:
            print("\n".join(_lines(row)))
        if not rows:
            complain("no addons are installed; try: pip install voxstack-voice-amber")
    complain_of_plugins(registry)
    return 0


def _row(name: str, folder: Path, found: dict[str, Any] | Exception) -> dict[str, Any]:
    row: dict[str, Any] = {"name": name, "folder": str(folder)}
    if isinstance(found, Exception):
        return {**row, "error": str(found)}
    networks = {key: spec.get("role", "borrowed") for key, spec in found["networks"].items()}
    return {
        **row,
        "speaks": "stack" in found,
        **{key: found[key] for key in KEYS if key in found},
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
