from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from voxstack import NetworkError, Schedule
from voxstack.testing import Case, parametrize_with_checks
from voxstack_upsampler.expand import Expand
from voxstack_upsampler.upsampler import Upsampler

RNG = np.random.default_rng(7)
UTTERANCE = {
    "encoded": RNG.standard_normal((20, 3)).astype(np.float32),
    "durations": RNG.uniform(0, 15, 20).astype(np.float32),
}


@parametrize_with_checks(
    [
        Case(Expand(), UTTERANCE),
        Case(Expand(positions=True, least=0), UTTERANCE),
        Case(Expand("f0", "f0_frames"), {**UTTERANCE, "f0": RNG.uniform(100, 300, 20)}),
        Case(Expand(positions=True), {"encoded": np.zeros((0, 3), np.float32), "durations": np.zeros(0)}),
        Case(Expand(positions=True, least=0), {"encoded": np.zeros((4, 3), np.float32), "durations": np.zeros(4)}),
    ]
)
def test_contract(case: Case, check: Any) -> None:
    check(case)


@pytest.mark.parametrize("positions", [False, True])
@pytest.mark.parametrize("least", [0, 1, 3])
def test_it_makes_what_an_upsampler_streams(positions: bool, least: int) -> None:
    upsampler = Upsampler(positions=positions, least=least)
    streamed = np.concatenate(list(upsampler.stream(iter(()), {**UTTERANCE, "schedule": Schedule(first=3, largest=7)})))
    np.testing.assert_array_equal(Expand(positions=positions, least=least)(UTTERANCE)["frames"], streamed)


def test_one_value_a_token_becomes_one_a_frame() -> None:
    results = Expand("speed", "speeds")({"speed": np.array([1.0, 2.0, 3.0]), "durations": np.array([2, 0, 3])})
    np.testing.assert_array_equal(results["speeds"], [1, 1, 2, 3, 3, 3])


@pytest.mark.parametrize(
    ("block", "utterance", "problem"),
    [
        (Expand(), {"durations": np.ones(19)}, "Expand: 'encoded' has 20 tokens and 'durations' has 19"),
        (
            Expand(),
            {"durations": np.full(20, np.inf)},
            "Expand: 'durations' has values that are negative or not finite",
        ),
        (Expand("f0", positions=True), {"f0": np.ones(20)}, r"Expand: 'f0' has the shape \(20,\); positions"),
    ],
)
def test_what_does_not_fit_is_refused(block: Expand, utterance: dict[str, Any], problem: str) -> None:
    with pytest.raises(NetworkError, match=problem):
        block({**UTTERANCE, **utterance})


def test_what_stays_in_memory_has_a_limit() -> None:
    utterance = {"encoded": np.ones((1, 100), np.float32), "durations": np.array([1e6])}
    with pytest.raises(NetworkError, match="Expand: 'durations' gives 1000000 frames of 100 channels, which all stay"):
        Expand()(utterance)
