"""The result of a grade."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from voxstack_grade.measurements import Measurements

Verdict = Literal["pass", "fail", "unsure", "shown", "not measured"]


@dataclass(frozen=True)
class Row:
    """One measured value, with its baseline, its limit and the verdict.

    :param name: of the metric, by which limits are set.
    :param verdict: ``fail`` is a regression; ``unsure`` is beyond the limit, but may be chance; ``shown`` has no limit.
    :param value: that was measured.
    :param baseline: value of the baseline, if there is one.
    :param interval: 95 % of the difference from the baseline, or of the value in its absence.
    :param difference: largest difference from the baseline that passes.
    :param most: largest value that passes.
    :param two_sided: whether a lower value is a regression, too.
    :param form: format of the values.
    :param note: a reason.
    """

    name: str
    title: str
    verdict: Verdict
    value: float | None = None
    baseline: float | None = None
    interval: tuple[float, float] | None = None
    difference: float | None = None
    most: float | None = None
    two_sided: bool = False
    form: str = ".3f"
    note: str = ""


@dataclass(frozen=True)
class Report:
    """A grade: the measurements of a voice, and the verdict on each row."""

    measurements: Measurements
    baseline: str | None
    rows: tuple[Row, ...]

    @property
    def passed(self) -> bool:
        """True if something was measured, and nothing has regressed."""
        verdicts = {row.verdict for row in self.rows}
        return "fail" not in verdicts and "pass" in verdicts

    def row(self, name: str) -> Row:
        """Return a row by its name."""
        return {row.name: row for row in self.rows}[name]

    def as_json(self) -> Mapping[str, Any]:
        """Return the report as JSON, which is a baseline for later grades."""
        rows = [asdict(row) for row in self.rows]
        return {**self.measurements.as_json(), "baseline": self.baseline, "passed": self.passed, "rows": rows}
