from __future__ import annotations

import numpy as np
import pytest

import voxstack
from voxstack_dsp import Gain, Pace

X = np.random.default_rng(0).standard_normal((50, 3)).astype(np.float32)


def through(block: Gain, chunk: np.ndarray, **utterance: float) -> np.ndarray:
    (made,) = block.stream(iter([chunk]), utterance)
    return made


def test_gain_is_a_factor_in_decibels():
    made = through(Gain(db=-20.0), X)
    assert made.dtype == np.float32
    np.testing.assert_array_equal(made, X * np.float32(0.1))


def test_gain_adds_the_volume_that_is_asked_for():
    np.testing.assert_array_equal(through(Gain(db=6.0), X, volume=-26.0), X * np.float32(0.1))
    np.testing.assert_array_equal(through(Gain(db=0.0), X, volume=20.0), X * np.float32(10))


def test_no_gain_hands_the_same_chunk_on():
    assert through(Gain(), X) is X
    assert through(Gain(db=6.0), X, volume=-6.0) is X


def test_gain_leaves_other_precisions_as_they_are():
    assert through(Gain(db=1.0), X.astype(np.float64)).dtype == np.float64
    assert through(Gain(db=1.0), X.astype(np.float16)).dtype == np.float16


def test_pace_divides_durations_by_both_rates():
    durations = np.array([3.0, 4.5], np.float32)
    made = Pace(rate=2.0)({"durations": durations, "rate": 1.5})["durations"]
    np.testing.assert_array_equal(made, durations / np.float32(3.0))
    assert made.dtype == np.float32
    np.testing.assert_array_equal(Pace()({"durations": np.array([3, 4])})["durations"], [3.0, 4.0])


@pytest.mark.parametrize("rate", [0, -1.0, float("nan"), float("inf")])
def test_pace_refuses_a_rate_that_makes_no_speech(rate):
    with pytest.raises(voxstack.RequestError, match="above 0"):
        Pace()({"durations": np.ones(2), "rate": rate})


def test_pace_refuses_such_a_rate_in_the_json():
    registry = voxstack.Registry({"dsp": __import__("voxstack_dsp")})
    with pytest.raises(voxstack.StackError, match=r"stack\.rate"):
        voxstack.build({"type": "Pace", "rate": 0}, registry=registry)
