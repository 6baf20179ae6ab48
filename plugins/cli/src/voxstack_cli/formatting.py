"""Text for terminals: messages, JSON, JSON Schemas in words, and sizes."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from voxstack import Registry


def report(message: str) -> None:
    """Print a line on stderr, after the name of the program. Nothing happens where stderr cannot be written."""
    print_error(f"voxstack: {message}")


def print_error(line: str) -> None:
    """Print a line on stderr, if that is possible."""
    if sys.stderr is not None:  # print() would write to stdout instead
        with contextlib.suppress(OSError, ValueError):
            print(line, file=sys.stderr, flush=True)


def is_expected(error: BaseException) -> bool:
    """Return whether an error was raised on purpose or by the system, and is not a mistake in the code."""
    from voxstack.errors import VoxstackError

    return isinstance(error, VoxstackError | OSError)


def error_message(error: BaseException) -> str:
    """Return the message of an error, with its type unless it is expected."""
    from voxstack.errors import describe

    if is_expected(error):
        with contextlib.suppress(Exception):  # it has no text
            return str(error)
    return describe(error)


def short_repr(error: BaseException) -> str:
    """Return the ``repr`` of an error, also of one whose ``__repr__`` fails."""
    try:
        return repr(error)
    except Exception:
        return type(error).__name__


def report_broken_plugins(registry: Registry) -> None:
    """Report the plugins that could not be imported or registered, on stderr."""
    for problem in registry.broken_plugins():
        report(problem)


def strip_markup(docstring: str) -> str:
    """Return a docstring without the double backquotes of its markup."""
    return docstring.replace("``", "")


def as_json(value: Any) -> str:
    """Return indented JSON, with all characters as they are."""
    return json.dumps(value, indent=2, ensure_ascii=False)


def describe_schema(schema: Mapping[str, Any]) -> str:
    """Describe what a JSON Schema accepts: ``number, 0.5 to 2.0``; ``one of "calm", "lively"``."""
    if "anyOf" in schema:
        return " or ".join(describe_schema(option) for option in schema["anyOf"])
    if "enum" in schema:
        return "one of " + ", ".join(json.dumps(value, ensure_ascii=False) for value in schema["enum"])
    words = schema.get("x-block") or schema.get("type", "anything")
    if "items" in schema:
        words += f" of {describe_schema(schema['items'])}"
    if isinstance(schema.get("additionalProperties"), Mapping):
        words += f" of {describe_schema(schema['additionalProperties'])} by name"
    return ", ".join([words, *_bounds(schema)])


def _bounds(schema: Mapping[str, Any]) -> list[str]:
    bounds = []
    if "minimum" in schema and "maximum" in schema:
        bounds.append(f"{schema['minimum']} to {schema['maximum']}")
    else:
        words = {"minimum": "at least", "maximum": "at most"}
        bounds += [f"{word} {schema[key]}" for key, word in words.items() if key in schema]
    words = {"exclusiveMinimum": "more than", "exclusiveMaximum": "less than", "multipleOf": "a multiple of"}
    bounds += [f"{word} {schema[key]}" for key, word in words.items() if key in schema]
    for unit, low, high in (("characters", "minLength", "maxLength"), ("items", "minItems", "maxItems")):
        words = {low: "at least", high: "at most"}
        bounds += [f"{word} {schema[key]} {unit}" for key, word in words.items() if key in schema]
    return bounds


def value_line(name: str, schema: Mapping[str, Any]) -> str:
    """Return a line on a control or a field: name, accepted values, default, description."""
    default = f", default {json.dumps(schema['default'], ensure_ascii=False)}" if "default" in schema else ""
    description = strip_markup(schema.get("description", ""))
    return f"{name}: {describe_schema(schema)}{default}" + (f". {description}" if description else "")


def format_size(size: int) -> str:
    """Return a number of bytes in decimal units: ``8.2 MB``."""
    if size < 1000:
        return f"{size} B"
    value = float(size)
    for unit in ("kB", "MB", "GB"):
        value /= 1000
        if value < 999.95 or unit == "GB":
            break
    return f"{value:.1f} {unit}"
