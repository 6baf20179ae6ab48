"""A strict parser for the text of an addon.json that reports where the text is not JSON."""

from __future__ import annotations

import json
import math
import re
from typing import Any

from voxstack_addon_spec.errors import AddonError
from voxstack_addon_spec.limits import FEWER_VALUES, MAX_VALUES
from voxstack_addon_spec.wording import short_repr, shorten

MAX_SIZE = 4 * 1024 * 1024  # bytes
_TEXT = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?+', re.DOTALL)
"""A text, also one without an end, as a search that fails would start again at the next quote. It never backtracks."""


def parse_object(data: bytes, where: str) -> dict[str, Any]:
    """Parse the JSON object in ``data`` (UTF-8, with or without a byte order mark).

    Stricter than ``json.loads``: repeated keys, NaN and infinite numbers are errors, because other readers disagree on
    their meaning.

    :param where: name of the file, for errors.
    :raises AddonError: if it is not UTF-8, not JSON, or not an object; with line and column where they are known.
    """
    text = _decode(data, where)
    if _has_too_many_values(text):  # they would take up to 50 times the memory of the text
        raise AddonError(where, f"has more than {MAX_VALUES} values; {FEWER_VALUES}")
    try:
        value = json.loads(
            text,
            object_pairs_hook=lambda pairs: _without_repeated_keys(pairs, where),
            parse_constant=lambda name: _refuse_number(name, where),
            parse_float=lambda digits: _finite(digits, where),
        )
    except json.JSONDecodeError as error:
        position = f"{where}: line {error.lineno} column {error.colno}"
        raise AddonError(position, f"not JSON ({error.msg}); correct it there") from error
    except RecursionError as error:
        raise AddonError(where, "objects or arrays are nested too deeply; flatten them") from error
    except ValueError as error:  # an integer of thousands of digits
        raise AddonError(where, f"contains a number that cannot be read ({error}); write a smaller one") from error
    if not isinstance(value, dict):
        raise AddonError(where, f"expected a JSON object, got {type(value).__name__}; write the addon as {{...}}")
    return value


def _decode(data: bytes, where: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        byte = error.object[error.start]
        raise AddonError(f"{where}: line {line}", f"not UTF-8 (byte 0x{byte:02x}); save the file as UTF-8") from error


def _has_too_many_values(text: str) -> bool:
    """Return whether a JSON text certainly has more values than an addon may have, without parsing it.

    There are more values than commas, and at least as many as brackets.
    """

    def separators(part: str) -> int:
        return part.count(",") + part.count("[") + part.count("{")

    count = separators(text)
    texts = _TEXT.finditer(text)
    while count > 2 * MAX_VALUES:
        found = next(texts, None)
        if found is None:
            return True
        count -= separators(found[0])
    return False


def _without_repeated_keys(pairs: list[tuple[str, Any]], where: str) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, value in pairs:
        if key in values:
            raise AddonError(where, f"key {short_repr(key)} appears twice in one object; keep one of them")
        values[key] = value
    return values


def _finite(digits: str, where: str) -> float:
    value = float(digits)
    return value if math.isfinite(value) else _refuse_number(digits, where)


def _refuse_number(digits: str, where: str) -> float:
    raise AddonError(where, f"{shorten(digits)} is not a finite number; write a finite one")
