"""Reads the text of an addon.json strictly, and says where it is not JSON."""

from __future__ import annotations

import json
import math
from typing import Any

from voxstack_addon_spec.errors import AddonError

MAX_BYTES = 4 * 1024 * 1024


def parse_object(data: bytes, where: str) -> dict[str, Any]:
    """Return the JSON object in ``data`` (UTF-8, with or without a byte order mark).

    Stricter than ``json.loads``: keys given twice, NaN and infinite numbers are errors, as other readers disagree on
    what they mean.

    :param where: name of the file, for errors.
    :raises AddonError: not UTF-8, not JSON, or not an object; with line and column where there is one.
    """
    text = _decode(data, where)
    try:
        value = json.loads(
            text,
            object_pairs_hook=lambda pairs: _unique(pairs, where),
            parse_constant=lambda name: _refuse_number(name, where),
            parse_float=lambda digits: _finite(digits, where),
        )
    except json.JSONDecodeError as error:
        place = f"{where}: line {error.lineno} column {error.colno}"
        raise AddonError(place, f"not JSON ({error.msg}); correct it there") from error
    except RecursionError as error:
        raise AddonError(where, "objects or arrays are nested too deeply; make it flatter") from error
    except ValueError as error:  # an integer of thousands of digits
        raise AddonError(where, f"holds a number that cannot be read ({error}); write a smaller one") from error
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


def _unique(pairs: list[tuple[str, Any]], where: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise AddonError(where, f"key {key!r} is given twice in one object; keep one of them")
        found[key] = value
    return found


def _finite(digits: str, where: str) -> float:
    value = float(digits)
    return value if math.isfinite(value) else _refuse_number(digits, where)


def _refuse_number(digits: str, where: str) -> float:
    raise AddonError(where, f"{digits} is not a finite number; write one that is")
