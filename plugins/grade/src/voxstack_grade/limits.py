"""The limits of a grade: defaults, files and options."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from voxstack import RequestError, did_you_mean
from voxstack_grade.metrics import METRICS


class Limit(NamedTuple):
    """The largest difference from a baseline, and the largest value without one, that pass; None: any."""

    difference: float | None
    most: float | None


def default_limits() -> dict[str, Limit]:
    """Return the limits of each metric by name."""
    return {metric.name: Limit(metric.difference, metric.most) for metric in METRICS}


def read_limits(path: Path | None, options: Iterable[str] = ()) -> dict[str, Limit]:
    """Return the default limits, changed by a file and then by options.

    :param path: JSON or TOML, such as ``{"wer": {"difference": 0.02, "most": 0.2}, "loudness": 0.5}``, where a number
        alone is the difference; null (JSON) or "none" is no limit.
    :param options: such as ``wer=0.02``, ``wer.most=0.2``, ``loudness=none``.
    :raises RequestError: for an unknown metric, or a limit that is no number from 0 on.
    """
    limits = default_limits()
    for name, value in (_read(path) if path else {}).items():
        parts = value if isinstance(value, dict) else {"difference": value}
        for part, number in parts.items():
            _set(limits, name, part, number, str(path))
    for option in options:
        key, equals, text = option.partition("=")
        name, _, part = key.partition(".")
        if not equals:
            raise RequestError(f"--limit {option}: write NAME=NUMBER, such as wer=0.02 or wer.most=0.2")
        _set(limits, name, part or "difference", text, f"--limit {option}")
    return limits


def check_names(names: Iterable[str]) -> None:
    """Check names of rows.

    :raises RequestError: for one that does not exist.
    """
    known = ["golden", "errors", *(metric.name for metric in METRICS)]
    for name in names:
        if name not in known:
            raise RequestError(f"--without {name}: no row has this name{did_you_mean(name, known, f'rows: {known}')}")


def _read(path: Path) -> Mapping[str, Any]:
    try:
        text = path.read_text("utf-8")
        content = tomllib.loads(text) if path.suffix.lower() == ".toml" else json.loads(text)
    except (OSError, ValueError) as error:
        raise RequestError(f"cannot read the limits of {str(path)!r}: {error}") from error
    if not isinstance(content, dict):
        raise RequestError(f'{str(path)!r} has no limits by name; write {{"wer": 0.02}}')
    return content


def _set(limits: dict[str, Limit], name: str, part: str, value: Any, where: str) -> None:
    if name not in limits:
        known = did_you_mean(name, limits, f"limits are of {', '.join(limits)}")
        raise RequestError(f"{where}: no limit is named {name!r}{known}")
    if part not in Limit._fields:
        raise RequestError(f"{where}: {name} has no {part!r}; write difference or most")
    number: float | None
    if value is None or value == "none":
        number = None
    else:
        try:
            number = float(value)
        except (TypeError, ValueError):
            number = -1.0
        if isinstance(value, bool) or not 0 <= number < float("inf"):
            raise RequestError(f"{where}: {value!r} is no limit of {name}; write a number from 0 on, or none")
    limits[name] = limits[name]._replace(**{part: number})
