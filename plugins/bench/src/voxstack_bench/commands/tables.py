"""Tables and numbers for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence


def table(rows: Sequence[Sequence[str]], left: int = 1) -> Iterator[str]:
    """Yield the lines of a table whose first row is its head.

    :param left: number of columns, from the first, that are aligned to the left; the others, numbers, to the right.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            f"{cell:<{width}}" if column < left else f"{cell:>{width}}"
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()


def number(value: float | None, form: str = ".3g") -> str:
    """Return a number in a format, or ``-`` for None."""
    return "-" if value is None else f"{value:{form}}"


def percent(value: float | None) -> str:
    """Return a share in per cent, or ``-`` for None."""
    return "-" if value is None else f"{value:.0%}"


def short_names(labels: Iterable[str], limit: int = 24) -> dict[str, str]:
    """Return a name for each label that fits into a column.

    :param limit: characters of a column; a longer label becomes its number in brackets.
    """
    return {label: label if len(label) <= limit else f"[{index}]" for index, label in enumerate(labels, 1)}


def legend(names: Mapping[str, str]) -> Iterator[str]:
    """Yield a line for each label that has a short name."""
    return (f"{name} {label}" for label, name in names.items() if name != label)
