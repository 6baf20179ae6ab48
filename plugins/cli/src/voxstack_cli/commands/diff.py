"""``voxstack diff``: shows where two addons or stacks differ."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voxstack_cli.formatting import as_json, report
from voxstack_cli.registry import registry_of

if TYPE_CHECKING:
    from voxstack import Registry
    from voxstack_cli.comparison import Change

SAME, DIFFER, TROUBLE = 0, 1, 2
SIGNS = {"added": "+", "removed": "-", "changed": " "}
MAX_VALUE = 100
"""Characters of a value in the text; --json has all of it."""


def command(parser: argparse.ArgumentParser) -> None:
    """Show where two addons or two stacks differ.

    Names blocks that were added, removed or changed, with the old and the new value of each field; networks, by the
    hashes of their files and by their specs; controls, contexts, golden files and what was measured. Nothing is loaded.
    Exit status: 0 if they are the same, 1 if they differ, 2 if one cannot be read.
    """
    place = "an installed addon by name, a folder or .zip, or a .json file of a stack"
    parser.add_argument("old", metavar="A", help=place)
    parser.add_argument("new", metavar="B", help="what to compare it with: the same kind")
    parser.add_argument("--json", action="store_true", help="print a JSON object with a list of the changes")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Compare the two."""
    from voxstack.errors import VoxstackError

    try:
        changes = _changes(options.old, options.new, registry_of(options))
    except (VoxstackError, OSError) as error:
        if options.debug:
            raise
        report(f"error: {error}")
        return TROUBLE
    if options.json:
        print(as_json({"old": options.old, "new": options.new, "changes": [_row(change) for change in changes]}))
    else:
        print("\n".join(_lines(changes)) if changes else "no difference")
    return DIFFER if changes else SAME


def _changes(old: str, new: str, registry: Registry) -> list[Change]:
    """Return the differences.

    :raises RequestError: for an addon and a stack, or if a stack cannot be read.
    """
    from voxstack import RequestError
    from voxstack_cli.comparison import compare_addons, compare_stacks

    one, two = _is_stack(old), _is_stack(new)
    if one != two:
        addon, stack = (new, old) if one else (old, new)
        raise RequestError(f"{stack!r} is a stack, and {addon!r} an addon; compare two of the same kind")
    if one:
        return compare_stacks(_read_stack(old), _read_stack(new))
    return compare_addons(_read_addon(old, registry), _read_addon(new, registry))


def _is_stack(place: str) -> bool:
    path = Path(place)
    return path.suffix.lower() == ".json" and path.name != "addon.json" and path.is_file()


def _read_stack(place: str) -> Any:
    """Return the JSON of a stack: a list of blocks, a block, or an object with a ``stack``.

    :raises RequestError: for anything else.
    """
    from voxstack import RequestError

    try:
        value = json.loads(Path(place).read_bytes())
    except (ValueError, RecursionError) as error:
        raise RequestError(f"{place!r} is no JSON: {error}; correct the file") from error
    stack = value["stack"] if isinstance(value, dict) and "stack" in value else value
    blocks = stack if isinstance(stack, list) else [stack]
    if not all(isinstance(block, dict) and isinstance(block.get("type"), str) for block in blocks):
        raise RequestError(f'{place!r} is no stack: write a list of blocks, such as [{{"type": "Gain"}}]')
    return stack


def _read_addon(place: str, registry: Registry) -> dict[str, Any]:
    from voxstack_addon_spec import open_addon

    folder = str(Path(place).parent) if Path(place).name == "addon.json" else place
    with open_addon(registry.locate(folder)[0]) as files:
        return files.config


def _row(change: Change) -> dict[str, Any]:
    row = asdict(change)
    missing = {"added": "old", "removed": "new"}.get(change.kind)
    return {key: value for key, value in row.items() if key != missing}


def _lines(changes: list[Change]) -> Iterator[str]:
    """Yield the lines of the changes, section by section."""
    for section, found in groupby(sorted(changes, key=_section), key=lambda change: change.section):
        yield section
        for change in found:
            yield f"  {SIGNS[change.kind]} {change.path}{_values(change)}"


def _section(change: Change) -> int:
    order = ("header", "stack", "networks", "controls", "contexts", "measured", "golden", "files")
    return order.index(change.section)


def _values(change: Change) -> str:
    if change.kind == "changed":
        return f": {_short(change.old)} -> {_short(change.new)}"
    return f": {_short(change.new if change.kind == 'added' else change.old)}"


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    line = " ".join(text.split())
    return line if len(line) <= MAX_VALUE else f"{line[: MAX_VALUE - 1]}…"
