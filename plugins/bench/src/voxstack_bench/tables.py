"""Tables and numbers for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence


def table(rows: Sequence[Sequence[str]], left: int = 1) -> Iterator[str]:
    """Yield lines of a table, the first row its head; the first ``left`` columns are flush left, numbers right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            f"{cell:<{width}}" if at < left else f"{cell:>{width}}"
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()


def number(value: float | None, form: str = ".3g") -> str:
    """Return a number, or ``-`` where there is none."""
    return "-" if value is None else f"{value:{form}}"


def percent(value: float | None) -> str:
    """Return a share as per cent, or ``-``."""
    return "-" if value is None else f"{value:.0%}"


def named(labels: Iterable[str], most: int = 24) -> dict[str, str]:
    """Return a name for each label that fits into a column: itself, or its number in brackets."""
    return {label: label if len(label) <= most else f"[{number}]" for number, label in enumerate(labels, 1)}


def legend(names: Mapping[str, str]) -> Iterator[str]:
    """Yield a line for each label that has another name."""
    return (f"{name} {label}" for label, name in names.items() if name != label)
