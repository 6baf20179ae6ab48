"""One schema of addon.json and of all installed blocks, for editors that complete and check while a user types."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from voxstack_addon_spec.errors import AddonError
from voxstack_addon_spec.validation import addon_schema

KINDS = ("SequenceBlock", "StreamableBlock")


def combined_schema(blocks: Mapping[str, tuple[str, dict[str, Any]]]) -> dict[str, Any]:
    """Return the addon schema with ``stack`` open to exactly these blocks, at every depth.

    The ``type`` of an object selects its block (``if``/``then`` on the constant, not ``oneOf``): an editor then
    completes the fields of that one block, and a validator reports the wrong field instead of every block that the
    object is not.

    :param blocks: (kind, schema) of every block by its name; the kind is ``SequenceBlock`` or ``StreamableBlock``.
        In the schema, an object with the key ``x-block`` (a kind) marks the place of a child block.
    :raises AddonError: for an unknown kind.
    """
    schema = addon_schema()
    definitions = schema["$defs"]
    definitions.pop("block")
    for kind in KINDS:
        definitions[kind] = _choice(kind, {name: block for name, (of, block) in blocks.items() if of == kind})
    for name, (kind, block) in blocks.items():
        _checked_kind(kind, f"block {name}")
        definitions[_key(name)] = _with_references(copy.deepcopy(block), f"block {name}")
    schema["properties"]["stack"]["items"] = {"$ref": "#/$defs/StreamableBlock"}
    return schema


def _key(name: str) -> str:
    return f"block.{name}"


def _checked_kind(kind: object, where: str) -> str:
    if kind not in KINDS:
        raise AddonError(where, f"there is no kind of block {kind!r}; write {' or '.join(KINDS)}")
    return str(kind)


def _choice(kind: str, blocks: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    names = sorted(blocks)
    choice: dict[str, Any] = {
        "title": kind,
        "type": "object",
        "required": ["type"],
        "properties": {
            "type": {
                "enum": names,
                "enumDescriptions": [blocks[name].get("description", "") for name in names],  # some editors show them
                "description": f"Type of this {kind}.",
            }
        },
    }
    if names:  # an allOf must not be empty
        choice["allOf"] = [
            {
                "if": {"required": ["type"], "properties": {"type": {"const": name}}},
                "then": {"$ref": _reference(_key(name))},
            }
            for name in names
        ]
    return choice


def _reference(key: str) -> str:
    """Return a JSON pointer to a definition, escaped as pointers in a URI fragment are."""
    from urllib.parse import quote

    return "#/$defs/" + quote(key.replace("~", "~0").replace("/", "~1"))


def _with_references(node: Any, where: str) -> Any:
    """Return a schema with every child block replaced by a reference, which keeps the other keys (a description)."""
    if isinstance(node, list):
        return [_with_references(item, where) for item in node]
    if not isinstance(node, dict):
        return node
    if "x-block" not in node:
        return {key: _with_references(value, where) for key, value in node.items()}
    kind = _checked_kind(node["x-block"], where)
    rest = {key: value for key, value in node.items() if key not in ("type", "required", "x-block")}
    return {"$ref": _reference(kind), **rest}
