"""How things are told on a terminal."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from voxstack import Registry


def complain(text: str) -> None:
    """Print a line on stderr, after the name of the program."""
    print(f"voxstack: {text}", file=sys.stderr)


def complain_of_plugins(registry: Registry) -> None:
    """Report the plugins that could not be imported or registered, on stderr."""
    for line in registry.broken_plugins_note().splitlines():
        if line:
            complain(line.strip())


def plain(text: str) -> str:
    """Return a docstring's words without the marks of its markup."""
    return text.replace("``", "")


def as_json(value: Any) -> str:
    """Return JSON for people and programs."""
    return json.dumps(value, indent=2, ensure_ascii=False)


def type_words(schema: Mapping[str, Any]) -> str:
    """Say what a JSON Schema lets through: ``number, 0.5 to 2.0``; ``one of "calm", "lively"``."""
    if "anyOf" in schema:
        return " or ".join(type_words(option) for option in schema["anyOf"])
    if "enum" in schema:
        return "one of " + ", ".join(json.dumps(value, ensure_ascii=False) for value in schema["enum"])
    words = schema.get("x-block") or schema.get("type", "anything")
    if "items" in schema:
        words += f" of {type_words(schema['items'])}"
    if isinstance(schema.get("additionalProperties"), Mapping):
        words += f" of {type_words(schema['additionalProperties'])} by name"
    return ", ".join([words, *_bounds(schema)])


def _bounds(schema: Mapping[str, Any]) -> list[str]:
    told = []
    if "minimum" in schema and "maximum" in schema:
        told.append(f"{schema['minimum']} to {schema['maximum']}")
    else:
        told += [
            f"{word} {schema[key]}" for key, word in (("minimum", "at least"), ("maximum", "at most")) if key in schema
        ]
    names = {"exclusiveMinimum": "more than", "exclusiveMaximum": "less than", "multipleOf": "a multiple of"}
    told += [f"{word} {schema[key]}" for key, word in names.items() if key in schema]
    for thing, low, high in (("characters", "minLength", "maxLength"), ("items", "minItems", "maxItems")):
        told += [
            f"{word} {schema[key]} {thing}" for key, word in ((low, "at least"), (high, "at most")) if key in schema
        ]
    return told


def value_line(name: str, schema: Mapping[str, Any]) -> str:
    """Return a line on a control or a field: name, what it may be, default, description."""
    default = f", default {json.dumps(schema['default'], ensure_ascii=False)}" if "default" in schema else ""
    told = plain(schema.get("description", ""))
    return f"{name}: {type_words(schema)}{default}" + (f". {told}" if told else "")


def size_words(size: int) -> str:
    """Return a number of bytes for people, in decimal units: ``8.2 MB``."""
    if size < 1000:
        return f"{size} B"
    value = float(size)
    for unit in ("kB", "MB", "GB"):
        value /= 1000
        if value < 999.95 or unit == "GB":
            break
    return f"{value:.1f} {unit}"
