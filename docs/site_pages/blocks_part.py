"""Every installed block: its fields, from its schema, and what it needs, gives, takes and makes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from site_pages.addon_part import form, limits
from site_pages.tables import code, escape, prose, table

FLOW = ("needs", "gives", "takes", "makes", "hop", "lookahead", "lookback", "head")


def blocks_part() -> str:
    """Return a section for each distribution, with a part for each of its blocks."""
    from voxstack import Registry

    registry = Registry.installed()
    homes: dict[str, list[str]] = {}
    for name in sorted(registry):
        homes.setdefault(registry.distributions_of(name), []).append(name)
    parts = []
    for home in sorted(homes, key=lambda home: (home != "voxstack-core", home)):
        parts += [f"## {home}\n", *(_block(name, registry[name]) for name in homes[home])]
    return "\n".join(parts)


def _block(name: str, cls: Any) -> str:
    from voxstack import SequenceBlock
    from voxstack.schema import block_schema

    schema = block_schema(cls)
    kind = "SequenceBlock" if issubclass(cls, SequenceBlock) else "StreamableBlock"
    fields = {key: value for key, value in schema["properties"].items() if key != "type"}
    rows = [_field(key, value, key in schema["required"]) for key, value in fields.items()]
    parts = [f"### {name}\n", f"*{kind}*{_flow(cls)}\n", f"{prose(cls.__doc__)}\n"]
    if rows:
        parts.append(table(["field", "value", "default", "meaning"], rows))
    return "\n".join(parts)


def _field(name: str, schema: Mapping[str, Any], required: bool) -> list[str]:
    default = "required" if required else code(json.dumps(schema["default"])) if "default" in schema else ""
    text = prose(schema.get("description", ""))
    return [f"`{name}`", _form_of(schema), default, text + limits(schema)]


def _form_of(schema: Mapping[str, Any]) -> str:
    if "x-block" in schema:
        return f"a {schema['x-block']}"
    if schema.get("type") == "array" and "x-block" in schema.get("items", {}):
        return f"array of {schema['items']['x-block']}s"
    if "anyOf" in schema:
        return " or ".join(_form_of(part) for part in schema["anyOf"])
    return form(schema)


def _flow(cls: Any) -> str:
    """Return what a block of this class needs and gives, as far as neither fields nor networks decide it."""
    rows = []
    for key in FLOW:
        value = _fixed(cls, key)
        if isinstance(value, frozenset):
            value = ", ".join(code(name) for name in sorted(value))
        elif isinstance(value, str):
            value = code(value)
        if value not in (None, "", False) and (key, value) not in (("hop", 1.0), ("lookahead", 0)):
            rows.append(
                key if value is True else f"{key} {escape(str(value)) if not isinstance(value, str) else value}"
            )
    return "".join(f" · {row}" for row in rows)


def _fixed(cls: Any, key: str) -> Any:
    """Return a property of a block with default fields; None if it has others, or depends on networks."""
    value = getattr(cls, key, None)
    if not isinstance(value, property):
        return value
    try:
        return getattr(cls(), key)
    except Exception:  # it is known after loading only
        return None
