from __future__ import annotations

import numpy as np
import pytest
from tiny import addon, loaded

import voxstack
from voxstack_dsp.gain import Gain
from voxstack_dsp.pace import Pace

X = np.random.default_rng(0).standard_normal((50, 3)).astype(np.float32)


def through(block: Gain, chunk: np.ndarray, **utterance: float) -> np.ndarray:
    (output,) = block.stream(iter([chunk]), utterance)
    return output


def test_gain_is_a_factor_in_decibels():
    output = through(Gain(db=-20.0), X)
    assert output.dtype == np.float32
    np.testing.assert_array_equal(output, X * np.float32(0.1))


def test_gain_adds_the_volume_that_is_asked_for():
    np.testing.assert_array_equal(through(Gain(db=6.0), X, volume=-26.0), X * np.float32(0.1))
    np.testing.assert_array_equal(through(Gain(db=0.0), X, volume=20.0), X * np.float32(10))


def test_no_gain_hands_the_same_chunk_on():
    assert through(Gain(), X) is X
    assert through(Gain(db=6.0), X, volume=-6.0) is X


def test_gain_leaves_other_precisions_as_they_are():
    assert through(Gain(db=1.0), X.astype(np.float64)).dtype == np.float64
    assert through(Gain(db=1.0), X.astype(np.float16)).dtype == np.float16


def by_token(volumes: list[float], durations: list[float], samples: int, **more: float) -> np.ndarray:
    """Return the factor of each sample, at 8000 Hz and 100 samples per frame."""
    block = loaded(Gain(hop_length=100), addon())
    return through(
        block, np.ones(samples, np.float32), volumes=np.array(volumes), durations=np.array(durations), **more
    )


def test_gain_follows_the_volumes_of_tokens_with_short_straight_ramps():
    output = by_token([0, 20, 20, 0], [2, 1, 1, 2], 600)
    np.testing.assert_array_equal(output[:200], 1)
    np.testing.assert_allclose(output[200:241], np.linspace(1, 10, 41), rtol=1e-6)
    np.testing.assert_array_equal(output[240:400], 10)
    np.testing.assert_allclose(output[400:441], np.linspace(10, 1, 41), rtol=1e-6)
    np.testing.assert_array_equal(output[440:], 1)


def test_gain_between_tokens_makes_no_click():
    steps = np.abs(np.diff(by_token([0, -np.inf, 6, 0], [1, 1, 1, 1], 400)))
    assert steps.max() < 0.06
    assert by_token([0, -np.inf, 0], [1, 1, 1], 300)[140:200].max() == 0


def test_gain_of_all_tokens_adds_to_that_of_the_request():
    np.testing.assert_allclose(by_token([14, 14], [1, 1], 200, volume=6.0), 10, rtol=1e-6)
    samples = np.random.default_rng(1).standard_normal(200).astype(np.float32)
    assert through(Gain(), samples, volumes=np.zeros(3), durations=None) is samples


def test_gain_uses_the_hop_of_the_addon_unless_told_otherwise():
    block = loaded(Gain(), addon())  # 10 samples per frame
    output = through(block, np.ones(100, np.float32), volumes=np.array([0.0, 20.0]), durations=np.array([5, 5]))
    np.testing.assert_array_equal(output[:51], 1)
    assert output[-1] == 10


@pytest.mark.parametrize("durations", [None, [1.0, 1.5], [1.0]])
def test_gain_says_what_it_needs_to_know_where_tokens_are(durations):
    with pytest.raises(voxstack.NetworkError, match="whole frames"):
        through(loaded(Gain(), addon()), X[:, 0], volumes=np.array([0.0, 1.0]), durations=durations)
    with pytest.raises(voxstack.NetworkError, match="hop_length"):
        through(Gain(), X[:, 0], volumes=np.array([0.0, 1.0]), durations=np.ones(2))


def test_pace_divides_durations_by_both_rates_and_makes_whole_frames_of_them():
    durations = np.array([3.0, 4.5, 0.0], np.float32)
    output = Pace(rate=0.5)({"durations": durations, "rate": 0.5})["durations"]
    np.testing.assert_array_equal(output, [12, 18, 1])
    assert output.dtype == np.float32
    np.testing.assert_array_equal(Pace()({"durations": np.array([3, 4])})["durations"], [3.0, 4.0])


def test_pace_lets_rounding_never_add_up():
    output = Pace()({"durations": np.full(1000, 1.4)})["durations"]
    assert set(output) == {1, 2}
    assert output.sum() == 1400


def test_pace_takes_the_rates_of_tokens():
    output = Pace(rate=2.0)({"durations": np.array([8.0, 8.0, 8.0]), "rates": np.array([1.0, 2.0, 0.5])})["durations"]
    np.testing.assert_array_equal(output, [4, 2, 8])


def test_pace_makes_the_silences_that_the_voice_decided_longer_or_shorter():
    utterance = {"durations": np.array([8.0, 8.0, 8.0]), "silences": np.array([True, False, True]), "pause": 1.5}
    np.testing.assert_array_equal(Pace()(utterance)["durations"], [12, 8, 12])
    np.testing.assert_array_equal(Pace()({**utterance, "pause": 0})["durations"], [1, 8, 1])
    np.testing.assert_array_equal(
        Pace()({**utterance, "pauses": np.array([np.nan, np.nan, np.nan])})["durations"], [12, 8, 12]
    )


@pytest.mark.parametrize("rate, pause", [(1.0, 1.0), (3.7, 0.0), (0.3, 4.0)])
def test_pace_makes_pauses_as_long_as_they_are_asked_for(rate: float, pause: float):
    block = loaded(Pace(rate=rate), addon())  # 800 frames per second
    utterance = {
        "durations": np.array([7.3, 8.0, 0.4]),
        "pauses": np.array([0.5, np.nan, 0.0]),
        "silences": np.array([1, 0, 1], bool),
    }
    output = block({**utterance, "pause": pause, "rates": np.array([2.0, 1.0, 1.0])})["durations"]
    np.testing.assert_array_equal(output, [400, round(8 / rate), 1])


@pytest.mark.parametrize("pause", [-0.1, float("nan"), float("inf")])
def test_pace_refuses_a_pause_that_cannot_be(pause):
    with pytest.raises(voxstack.RequestError, match="must be a number 0 or more"):
        Pace()({"durations": np.ones(2), "pause": pause})


@pytest.mark.parametrize("rate", [0, -1.0, float("nan"), float("inf")])
def test_pace_refuses_a_rate_that_makes_no_speech(rate):
    with pytest.raises(voxstack.RequestError, match="above 0"):
        Pace()({"durations": np.ones(2), "rate": rate})


def test_pace_refuses_such_a_rate_in_the_json():
    registry = voxstack.Registry({"dsp": __import__("voxstack_dsp")})
    with pytest.raises(voxstack.StackError, match=r"stack\.rate"):
        voxstack.build({"type": "Pace", "rate": 0}, registry=registry)
