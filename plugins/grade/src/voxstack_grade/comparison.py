"""Comparison of measures with a baseline and with limits: a row for each metric."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from voxstack_grade.limits import Limit
from voxstack_grade.metrics import METRICS, Measures, Metric
from voxstack_grade.report import Row, Verdict

RESAMPLES = 2000
CONFIDENCE = 0.95


class _Sample(NamedTuple):
    """Values of a metric by sentence: (sentences,) each."""

    above: np.ndarray
    below: np.ndarray


def compare(
    measures: Sequence[Measures], baseline: Sequence[Measures] | None, limits: Mapping[str, Limit]
) -> list[Row]:
    """Return a row for each metric.

    A value has regressed if it differs from the baseline by more than its limit, and the bootstrap interval of the
    difference over sentences (paired, percentile) excludes 0; if the interval does not, the row is unsure.

    :param measures: of sentences that were synthesized.
    :param baseline: of the same sentences, in the same order; None: values are held against absolute limits.
    """
    return [_row(metric, measures, baseline, limits[metric.name]) for metric in METRICS]


def _row(metric: Metric, measures: Sequence[Measures], baseline: Sequence[Measures] | None, limit: Limit) -> Row:
    if metric.paired and baseline is None:
        return Row(metric.name, metric.title, "not measured", form=metric.form, note="needs a baseline")
    pairs = list(zip(measures, measures if baseline is None else baseline, strict=True))
    pairs = [pair for pair in pairs if all(side.get(metric.needs) not in (None, "") for side in pair)]
    if not pairs:
        return Row(
            metric.name, metric.title, "not measured", form=metric.form, note=metric.absent or "it was not recorded"
        )
    own = _sample(metric, pairs)
    base = None if baseline is None else _sample(metric, [(other, other) for _, other in pairs])
    return _judged(metric, own, base, limit)


def _sample(metric: Metric, pairs: Sequence[tuple[Measures, Measures]]) -> _Sample:
    values = np.array([metric.values(own, base) for own, base in pairs], np.float64)
    return _Sample(values[:, 0], values[:, 1])


def _judged(metric: Metric, own: _Sample, base: _Sample | None, limit: Limit) -> Row:
    drawn = np.random.default_rng(0).integers(0, len(own.above), (RESAMPLES, len(own.above)))
    value = float(metric.statistic(*own))
    values = metric.statistic(own.above[drawn], own.below[drawn])
    row = Row(metric.name, metric.title, "shown", value, two_sided=metric.lower_is_worse, form=metric.form)
    if base is None:
        interval = _interval(values)
        verdict = _absolute(metric, value, interval, limit.most)
        return replace(row, verdict=verdict, interval=interval, most=limit.most)
    expected = float(metric.statistic(*base))
    interval = _interval(values - metric.statistic(base.above[drawn], base.below[drawn]))
    verdict = _relative(metric, value - expected, interval, limit.difference)
    return replace(row, verdict=verdict, interval=interval, baseline=expected, difference=limit.difference)


def _interval(values: np.ndarray) -> tuple[float, float]:
    low, high = np.quantile(values, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)


def _absolute(metric: Metric, value: float, interval: tuple[float, float], most: float | None) -> Verdict:
    if most is None:
        return "shown"
    if value <= most:
        return "pass"
    return "fail" if metric.counts or interval[0] > most else "unsure"


def _relative(metric: Metric, difference: float, interval: tuple[float, float], limit: float | None) -> Verdict:
    if limit is None:
        return "shown"
    harm = abs(difference) if metric.lower_is_worse else difference
    if harm <= limit + 1e-9:
        return "pass"
    excludes_zero = interval[0] > 0 or interval[1] < 0
    return "fail" if metric.counts or excludes_zero else "unsure"
