"""Reports of a runner in another process, of which only what is plain and small is kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MAX_TEXT = 200
MAX_ENTRIES = 64
MAX_DEPTH = 4


def checked_effective(report: object) -> dict[str, Any]:
    """Return the context in effect, with a note that it is in effect in another process."""
    found = plain(report)
    found = found if isinstance(found, dict) else {}
    effective: dict[str, Any] = {
        key: found[key] for key in ("device", "precision", "version") if isinstance(found.get(key), str)
    }
    if type(found.get("threads")) is int:
        effective["threads"] = found["threads"]
    shapes = found.get("shapes")
    if isinstance(shapes, dict):
        effective["shapes"] = {axis: tuple(sizes) for axis, sizes in shapes.items() if isinstance(sizes, list)}
    provider = found.get("provider")
    effective["provider"] = f"{provider}, isolated" if isinstance(provider, str) else "isolated"
    return effective


def checked_stats(report: object) -> dict[str, Any]:
    """Return counters by name."""
    found = plain(report)
    return found if isinstance(found, dict) else {}


def plain(value: object, depth: int = MAX_DEPTH) -> Any:
    """Return a value from JSON, cut to a limited size; None in place of what is nested deeper."""
    if isinstance(value, str):
        return value[:MAX_TEXT]
    if value is None or isinstance(value, (bool, float)) or (isinstance(value, int) and abs(value) < 2**63):
        return value
    if depth and isinstance(value, list):
        return [plain(item, depth - 1) for item in value[:MAX_ENTRIES]]
    if depth and isinstance(value, Mapping):
        return {str(key)[:MAX_TEXT]: plain(item, depth - 1) for key, item in [*value.items()][:MAX_ENTRIES]}
    return None
