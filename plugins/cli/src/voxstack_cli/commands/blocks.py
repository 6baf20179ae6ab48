"""``voxstack blocks``: what a stack can be made of."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from voxstack_cli.addons import registry_of
from voxstack_cli.wording import as_json, complain, complain_of_plugins, plain, value_line

if TYPE_CHECKING:
    from voxstack import Block, Registry


def command(parser: argparse.ArgumentParser) -> None:
    """List installed blocks, or show the fields of one."""
    parser.add_argument("name", nargs="?", metavar="NAME", help="show the fields of this block")
    parser.add_argument(
        "--json", action="store_true", help="a JSON array, or with NAME an object with the block's JSON Schema"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """List all blocks, or show one."""
    registry = registry_of(options)
    if options.name is not None:
        return _show(options.name, registry, options.json)
    rows, troubles = rows_of(registry)
    if options.json:
        print(as_json([{key: value for key, value in row.items() if key != "schema"} for row in rows]))
    else:
        width = max((len(row["name"]) for row in rows), default=0)
        for row in rows:
            print(f"{row['name']:{width}}  {row['kind']:15}  {row['distribution']}\n{'':{width}}  {row['description']}")
    report(registry, troubles)
    return 0


def rows_of(registry: Registry) -> tuple[list[dict[str, Any]], list[str]]:
    """Return a row for each block that can be used, and what is wrong with the others."""
    from voxstack import VoxstackError

    rows, troubles = [], []
    for name in sorted(registry):
        try:
            rows.append(_row(name, registry[name], registry))
        except (VoxstackError, NameError, TypeError) as error:  # the last two: annotations that cannot be resolved
            troubles.append(f"block {name!r} ({registry.distributions_of(name)}): {error}")
    return rows, troubles


def report(registry: Registry, troubles: list[str]) -> None:
    """Tell on stderr what is wrong with blocks and plugins."""
    for trouble in troubles:
        complain(trouble)
    complain_of_plugins(registry)


def _row(name: str, cls: type[Block], registry: Registry) -> dict[str, Any]:
    from voxstack import SequenceBlock
    from voxstack.schema import block_schema

    kind = "SequenceBlock" if issubclass(cls, SequenceBlock) else "StreamableBlock"
    schema = block_schema(cls)
    first_line = plain((cls.__doc__ or "").strip().partition("\n")[0].strip())
    return {
        "name": name,
        "kind": kind,
        "distribution": registry.distributions_of(name),
        "description": first_line,
        "schema": schema,
    }


def _show(name: str, registry: Registry, json: bool) -> int:
    row = _row(name, registry.block(name), registry)
    if json:
        print(as_json(row))
        return 0
    schema = row["schema"]
    print(f"{name}  {row['kind']}  {row['distribution']}\n  {plain(schema['description'])}")
    fields = {field: value for field, value in schema["properties"].items() if field != "type"}
    print("\nfields" if fields else "\nno fields")
    for field, value in fields.items():
        print(f"  {value_line(field, value)}" + (" (required)" if field in schema["required"] else ""))
    return 0
