"""``voxstack blocks``: lists the blocks that a stack can contain."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from voxstack_cli.declarations import declaration_lines, declarations, installed_version
from voxstack_cli.formatting import as_json, report, report_broken_plugins, strip_markup, value_line
from voxstack_cli.registry import registry_of

if TYPE_CHECKING:
    from voxstack import Block, Registry


def command(parser: argparse.ArgumentParser) -> None:
    """List installed blocks, or show the fields of one."""
    parser.add_argument("name", nargs="?", metavar="NAME", help="show the fields of this block")
    parser.add_argument(
        "--json",
        action="store_true",
        help="print a JSON array, or with NAME an object: what the block needs, gives, takes and makes, its hop, "
        "lookahead and lookback, the JSON Schema of its fields, and the distribution that it comes from",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """List all blocks, or show one."""
    registry = registry_of(options)
    if options.name is not None:
        return _show(options.name, registry, options.json)
    rows, problems = block_rows(registry)
    if options.json:
        print(as_json([{key: value for key, value in row.items() if key != "schema"} for row in rows]))
    else:
        width = max((len(row["name"]) for row in rows), default=0)
        for row in rows:
            print(f"{row['name']:{width}}  {row['kind']:15}  {row['distribution']}\n{'':{width}}  {row['description']}")
    report_problems(registry, problems)
    return 0


def block_rows(registry: Registry) -> tuple[list[dict[str, Any]], list[str]]:
    """Return a row for each usable block, and the problems of the others."""
    from voxstack import VoxstackError

    rows, problems = [], []
    for name in sorted(registry):
        try:
            rows.append(_row(name, registry[name], registry))
        except (VoxstackError, NameError, TypeError) as error:  # the last two: annotations that cannot be resolved
            problems.append(f"block {name!r} ({registry.distributions_of(name)}): {error}")
    return rows, problems


def report_problems(registry: Registry, problems: list[str]) -> None:
    """Report problems of blocks, and broken plugins, on stderr."""
    for problem in problems:
        report(problem)
    report_broken_plugins(registry)


def _row(name: str, cls: type[Block], registry: Registry) -> dict[str, Any]:
    from voxstack import SequenceBlock
    from voxstack.schema import block_schema

    first_line = (cls.__doc__ or "").strip().partition("\n")[0].strip()
    distribution = registry.distributions_of(name)
    return {
        "name": name,
        "kind": "SequenceBlock" if issubclass(cls, SequenceBlock) else "StreamableBlock",
        "distribution": distribution,
        "version": installed_version(distribution),
        "description": strip_markup(first_line),
        **declarations(cls),
        "schema": block_schema(cls),
    }


def _show(name: str, registry: Registry, json: bool) -> int:
    row = _row(name, registry.block(name), registry)
    if json:
        print(as_json(row))
        return 0
    schema = row["schema"]
    home = row["distribution"] + (f" {row['version']}" if row["version"] else "")
    print(f"{name}  {row['kind']}  {home}\n  {strip_markup(schema['description'])}")
    for line in declaration_lines(row):
        print(f"  {line}")
    fields = {field: value for field, value in schema["properties"].items() if field != "type"}
    print("\nfields" if fields else "\nno fields")
    for field, value in fields.items():
        print(f"  {value_line(field, value)}" + (" (required)" if field in schema["required"] else ""))
    return 0
