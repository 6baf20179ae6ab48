"""The number of replicas follows the demand, and not the number of requests."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from voxstack_serve_ray.scaling import LoadPolicy


def needed(metrics: Any, current: int, target: int | None = None) -> int:
    context = SimpleNamespace(
        aggregated_metrics=metrics, current_num_replicas=current, target_num_replicas=target or current
    )
    return LoadPolicy(0.5)(context)[0]


@pytest.mark.parametrize(
    ("loads", "count"), [((0.0,), 1), ((0.5,), 1), ((0.51,), 2), ((1.0, 1.0), 4), ((0.1, 0.1, 0.1), 1), ((0.0,) * 3, 1)]
)
def test_as_many_replicas_as_the_load_needs(loads: tuple[float, ...], count: int) -> None:
    assert needed({"load": dict(enumerate(loads))}, len(loads)) == count


def test_replicas_that_have_not_reported_yet_do_not_count_as_idle() -> None:
    assert needed({"load": {0: 0.1}}, 3) == 3
    assert needed({"load": {0: 1.0, 1: 1.0}}, 3) == 4


@pytest.mark.parametrize("metrics", [None, {}])
def test_nothing_changes_without_reports(metrics: Any) -> None:
    assert needed(metrics, 0, 2) == 1
    assert needed(metrics, 2) == 2
