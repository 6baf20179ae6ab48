"""The table of a report."""

from __future__ import annotations

from collections.abc import Iterator

from voxstack_grade.report import Report, Row

WORDS = {"pass": "ok", "fail": "REGRESSED", "unsure": "unsure", "shown": "shown", "not measured": "not measured"}
HEAD = ("row", "", "measured", "baseline", "95 % interval", "limit", "verdict")
LEFT = 2
"""Columns that are aligned to the left."""


def lines(report: Report) -> Iterator[str]:
    """Yield the report as text: a line for each row, with its measured value, baseline, limit and verdict."""
    base = f"; baseline {report.baseline}" if report.baseline else ""
    yield f"{report.measurements.label}, {len(report.measurements.sentences)} sentences{base}"
    cells = [HEAD, *(_cells(row) for row in report.rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        padded = [
            f"{cell:<{width}}" if column < LEFT or column == len(HEAD) - 1 else f"{cell:>{width}}"
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(padded).rstrip()
    yield _summary(report)


def _cells(row: Row) -> tuple[str, ...]:
    relative = row.baseline is not None
    interval = "-"
    if row.interval is not None:
        sign = "+" if relative else ""
        interval = " to ".join(f"{value:{sign}{row.form}}" for value in row.interval)
    limit = row.difference if relative else row.most
    prefix = ("±" if row.two_sided else "+") if relative else "<= "
    verdict = f"{WORDS[row.verdict]}: {row.note}" if row.note else WORDS[row.verdict]
    return (
        row.name,
        row.title,
        _number(row.value, row.form),
        _number(row.baseline, row.form),
        interval,
        "-" if limit is None else f"{prefix}{limit:{row.form}}",
        verdict,
    )


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else f"{value:{form}}"


def _summary(report: Report) -> str:
    verdicts = [row.verdict for row in report.rows]
    counts = [f"{verdicts.count(verdict)} {WORDS[verdict]}" for verdict in WORDS if verdict in verdicts]
    return f"{'passed' if report.passed else 'FAILED'}: {', '.join(counts) or 'nothing was measured'}"
