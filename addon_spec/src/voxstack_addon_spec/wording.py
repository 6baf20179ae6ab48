"""The wording of errors about an addon.json: paths, suggestions, and one sentence for each keyword of JSON Schema."""

from __future__ import annotations

import difflib
import itertools
import json
import re
from collections.abc import Callable, Collection, Iterable
from typing import Any, Protocol

from voxstack_addon_spec.strict_schema import identity

PLAIN_KEY = re.compile(r"[A-Za-z_$][A-Za-z0-9_$-]*")
MAX_VALUE = 80  # characters of a value that a message repeats
MAX_LISTED = 20  # names that a message lists
MAX_COMPARED = 1_000  # names that are compared with a misspelt one
MAX_WORD = 100  # characters of such names; the work grows with their square


class SchemaError(Protocol):
    """The part of ``jsonschema.ValidationError`` used here; importing this module must not import jsonschema."""

    validator: Any
    validator_value: Any
    instance: Any
    schema: Any
    message: str

    @property
    def absolute_schema_path(self) -> Any: ...


def json_path(path: Iterable[str | int]) -> str:
    """Return a path into JSON as text, e.g. ``networks.decoder.exports[0]`` or ``files["decoder.onnx"].size``."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif PLAIN_KEY.fullmatch(part):
            text += f".{part}" if text else part
        else:
            text += f"[{json.dumps(part)}]"
    return text


def with_path(where: str, *path: str | int) -> str:
    """Return the place ``where`` with a path inside it, as ``AddonError.where`` holds it."""
    return f"{where}: {json_path(path)}" if path else where


def short_repr(value: Any) -> str:
    """Return the repr of a value as a message repeats it, shortened if it is long."""
    cut = value[: MAX_VALUE + 1] if isinstance(value, str | bytes | list | tuple) else value
    try:
        return shorten(repr(cut), MAX_VALUE)
    except (ValueError, RecursionError):  # an integer of thousands of digits; thousands of lists in lists
        return f"this {type(value).__name__}"


def shorten(text: str, length: int = 2 * MAX_VALUE) -> str:
    """Return a text, cut after ``length`` characters if it is longer."""
    return text if len(text) <= length else f"{text[:length]}..."


def listing(names: Collection[object]) -> str:
    """Return names as a message lists them, separated by commas; of many, the first ones and the number of the rest."""
    words = [short_repr(name) for name in itertools.islice(names, MAX_LISTED)]
    more = len(names) - len(words)
    return ", ".join(words) + (f" and {more} more" if more else "")


def did_you_mean(word: object, known: Iterable[object], otherwise: str = "") -> str:
    """Return ``; did you mean 'x'?`` for the closest of ``known``, else ``; `` and ``otherwise``, else nothing.

    Long names, and names after the first 1000, are not compared.
    """
    names = [name for name in itertools.islice(known, MAX_COMPARED) if isinstance(name, str) and len(name) <= MAX_WORD]
    close: list[str] = []
    if isinstance(word, str) and len(word) <= MAX_WORD:
        close = [name for name in names if name.lower() == word.lower()] or difflib.get_close_matches(word, names, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; {otherwise}" if otherwise else ""


def problem(error: SchemaError) -> str:
    """Return what is wrong according to one schema error, and what to do."""
    wording = WORDINGS.get(str(error.validator))
    return wording(error) if wording else f"{shorten(error.message)}; correct it"


def _description(schema: Any) -> str:
    """Return the description of a schema in parentheses, to end a message with; empty if it has none."""
    text = str(schema.get("description", ""))
    text = text if text.endswith("...") else text.removesuffix(".")
    return f" ({text})" if text else ""


def _unknown_key(error: SchemaError) -> str:
    known = error.schema["properties"]
    extra = next(key for key in error.instance if key not in known)
    return f"unknown key {short_repr(extra)}" + did_you_mean(
        extra, known, f"remove it, or use one of: {', '.join(known)}"
    )


def _missing_key(error: SchemaError) -> str:
    missing = next(key for key in error.validator_value if key not in error.instance)
    return f"missing key {missing!r}; add it" + _description(error.schema["properties"].get(missing, {}))


def _not_one_of(error: SchemaError) -> str:
    advice = did_you_mean(error.instance, error.validator_value, "use one of them")
    return f"{short_repr(error.instance)} is not one of {listing(error.validator_value)}{advice}"


def _wrong_constant(error: SchemaError) -> str:
    return f"{short_repr(error.instance)} is not allowed here; write {shorten(json.dumps(error.validator_value))}"


def _wrong_type(error: SchemaError) -> str:
    types = [error.validator_value] if isinstance(error.validator_value, str) else error.validator_value
    expected = " or ".join(f"{'an' if name[0] in 'aeiou' else 'a'} {name}" for name in types)
    return f"{short_repr(error.instance)} is not {expected}; write {expected}"


def _wrong_pattern(error: SchemaError) -> str:
    advice = f"write text that matches {error.validator_value}"
    return f"{_key(error)}{short_repr(error.instance)} is not valid; {advice}{_description(error.schema)}"


def _too_few(error: SchemaError) -> str:
    found = f"has {_count(error, len(error.instance))}" if error.instance else "is empty"
    return f"{found}; give at least {_count(error, error.validator_value)}" + _description(error.schema)


def _too_many(error: SchemaError) -> str:
    key = f"{_key(error)}{short_repr(error.instance)} " if _key(error) else ""
    found = f"{key}has {_count(error, len(error.instance))}"
    return f"{found}; give at most {error.validator_value}" + _description(error.schema)


def _key(error: SchemaError) -> str:
    return "key " if "propertyNames" in error.absolute_schema_path else ""


def _count(error: SchemaError, count: int) -> str:
    singular, plural = ("character", "characters") if "Length" in error.validator else ("entry", "entries")
    return f"{count} {singular if count == 1 else plural}"


def _out_of_bounds(error: SchemaError) -> str:
    size, bound = {
        "minimum": ("small", "{} or more"),
        "exclusiveMinimum": ("small", "more than {}"),
        "maximum": ("large", "{} or less"),
        "exclusiveMaximum": ("large", "less than {}"),
    }[str(error.validator)]
    return f"{short_repr(error.instance)} is too {size}; write {bound.format(error.validator_value)}"


def _repeated(error: SchemaError) -> str:
    seen: set[Any] = set()
    for item in error.instance:
        if identity(item) in seen:
            return f"{short_repr(item)} appears twice; keep one of them"
        seen.add(identity(item))
    return "an item appears twice; keep one of them"


def _not_a_multiple(error: SchemaError) -> str:
    return f"{short_repr(error.instance)} is not a multiple of {error.validator_value}; write one"


WORDINGS: dict[str, Callable[[SchemaError], str]] = {
    "additionalProperties": _unknown_key,
    "required": _missing_key,
    "enum": _not_one_of,
    "const": _wrong_constant,
    "type": _wrong_type,
    "pattern": _wrong_pattern,
    "minItems": _too_few,
    "minLength": _too_few,
    "minProperties": _too_few,
    "maxItems": _too_many,
    "maxLength": _too_many,
    "maxProperties": _too_many,
    "minimum": _out_of_bounds,
    "exclusiveMinimum": _out_of_bounds,
    "maximum": _out_of_bounds,
    "exclusiveMaximum": _out_of_bounds,
    "uniqueItems": _repeated,
    "multipleOf": _not_a_multiple,
}
