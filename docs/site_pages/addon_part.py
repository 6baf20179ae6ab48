"""The keys of addon.json, from its JSON Schema."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from site_pages.tables import code, escape, table

BOUNDS = {
    "minimum": "at least {}", "maximum": "at most {}", "multipleOf": "a multiple of {}",
    "exclusiveMinimum": "more than {}", "exclusiveMaximum": "less than {}",
    "minLength": "at least {} characters", "maxLength": "at most {} characters",
    "minItems": "at least {} items", "maxItems": "at most {} items", "maxProperties": "at most {} entries",
}  # fmt: skip

EMPTY = {"at least 1 characters", "at least 1 items"}


def addon_part() -> str:
    """Return a table of keys for addon.json, and for each object inside it that has a definition."""
    from voxstack_addon_spec import addon_schema

    schema = addon_schema()
    parts = [f"## The whole\n\n{escape(schema['description'])}\n\n{_keys(schema)}"]
    parts += [_definition(name, value) for name, value in schema["$defs"].items()]
    return "\n".join(parts)


def _definition(name: str, schema: Mapping[str, Any]) -> str:
    text = f"## {name}\n\n{escape(schema.get('description', ''))}\n"
    if "properties" in schema:
        return f"{text}\n{_keys(schema)}"
    return f"{text}\n{form(schema)}{limits(schema)}\n"


def _keys(schema: Mapping[str, Any]) -> str:
    required = schema.get("required", ())
    rows = []
    for key, path, value in _properties(schema, ""):
        need = "yes" if key in required and not path else ""
        rows.append([f"`{path}{key}`", form(value), need, escape(value.get("description", "")) + limits(value)])
    return table(["key", "value", "required", "meaning"], rows)


def _properties(schema: Mapping[str, Any], path: str) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Yield key, path before it, and schema of each key, also of objects without a definition of their own."""
    for key, value in schema.get("properties", {}).items():
        if not isinstance(value, Mapping):
            continue
        yield key, path, value
        yield from _properties(value, f"{path}{key}.")


def form(schema: Mapping[str, Any]) -> str:
    """Return which values a schema allows, with links to its definitions."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name})"
    if "const" in schema:
        return code(json.dumps(schema["const"]))
    if "enum" in schema:
        return ", ".join(code(json.dumps(value)) for value in schema["enum"])
    for group in ("anyOf", "oneOf"):
        if group in schema:
            return " or ".join(dict.fromkeys(form(part) for part in schema[group]))
    if "then" in schema and "else" in schema:
        return f"{form(schema['then'])} or {form(schema['else'])}"
    kind = schema.get("type", "any value")
    if kind == "array" and "items" in schema:
        return f"array of {form(schema['items'])}"
    if kind == "object" and isinstance(schema.get("additionalProperties"), Mapping):
        return f"object of {form(schema['additionalProperties'])}"
    return " or ".join(kind) if isinstance(kind, list) else kind


def limits(schema: Mapping[str, Any]) -> str:
    """Return the bounds of a value, after its description."""
    bounds = [text.format(schema[key]) for key, text in BOUNDS.items() if key in schema]
    bounds = ["not empty" if bound in EMPTY else bound for bound in bounds]
    if "pattern" in schema:
        bounds.append(f"matches {code(schema['pattern'])}")
    return f" ({'; '.join(bounds)})" if bounds else ""
