from __future__ import annotations

import numpy as np
import pytest

from voxstack import NetworkError, RequestError
from voxstack_dsp.gaussian_sample import GaussianSample
from voxstack_dsp.noise import Noise

TOKENS = np.arange(4000)


def noise(seed=None, count=4000, **fields):
    utterance = {"tokens": TOKENS[:count], **({} if seed is None else {"seed": seed})}
    return Noise(**{"name": "noise", "like": "tokens", "features": 2, **fields})(utterance)[fields.get("name", "noise")]


def test_noise_is_what_it_says():
    normal, uniform = noise(), noise(distribution="uniform")
    assert normal.shape == uniform.shape == (4000, 2)
    assert normal.dtype == uniform.dtype == np.float32
    assert abs(normal.mean()) < 0.05
    assert abs(normal.std() - 1) < 0.05
    assert uniform.min() >= 0
    assert uniform.max() < 1
    assert abs(uniform.mean() - 0.5) < 0.02
    assert abs(np.corrcoef(normal.T)[0, 1]) < 0.05, "features have noise of their own"


def test_a_seed_decides_what_is_drawn_and_without_one_it_is_0():
    np.testing.assert_array_equal(noise(), noise(seed=0))
    np.testing.assert_array_equal(noise(seed=3), noise(seed=3))
    assert not np.isclose(noise(seed=3), noise(seed=4)).any(axis=1).all()
    assert not np.isclose(noise(), noise(name="other")).any(axis=1).all()


def test_a_longer_tensor_has_the_same_noise_and_more():
    np.testing.assert_array_equal(noise(count=10), noise()[:10])


@pytest.mark.parametrize("seed", [-1, 1.5, "7", True])
def test_a_seed_that_is_none_is_refused(seed):
    with pytest.raises(RequestError, match="seed is"):
        noise(seed=seed)
    with pytest.raises(RequestError, match="seed is"):
        sampled(np.zeros((3, 2), np.float32), seed=seed)


def sampled(frames, scale=1.0, **controls):
    return np.concatenate(list(GaussianSample(scale).stream(iter([frames]), controls)))


def test_samples_have_the_mean_and_the_deviation_that_they_are_given():
    means, logs = np.array([3.0, -2.0], np.float32), np.log(np.array([0.5, 2.0], np.float32))
    drawn = sampled(np.tile(np.concatenate([means, logs]), (20000, 1)))
    np.testing.assert_allclose(drawn.mean(0), means, atol=0.05)
    np.testing.assert_allclose(drawn.std(0), np.exp(logs), rtol=0.03)


def test_the_request_says_how_much_noise_there_is():
    frames = np.random.default_rng(0).standard_normal((50, 8)).astype(np.float32)
    np.testing.assert_array_equal(sampled(frames, noise_scale=0.0), frames[:, :4])
    whole, half = sampled(frames), sampled(frames, noise_scale=0.5)
    np.testing.assert_allclose(half - frames[:, :4], (whole - frames[:, :4]) / 2, atol=1e-6)
    np.testing.assert_array_equal(half, sampled(frames, scale=0.5))
    with pytest.raises(RequestError, match="noise_scale is -1, and must be 0 or more"):
        sampled(frames, noise_scale=-1.0)


def test_what_is_no_distribution_is_refused():
    with pytest.raises(NetworkError, match=r"takes \(frames, 2 \* channels\).*got \(4, 5\)"):
        sampled(np.zeros((4, 5), np.float32))


def test_a_predicted_number_may_be_the_length():
    for length in (7, np.int32(7), np.array(7)):
        drawn = Noise("noise", "frames", 2)({"frames": length})["noise"]
        np.testing.assert_array_equal(drawn, Noise("noise", "tokens", 2)({"tokens": TOKENS[:7]})["noise"])


@pytest.mark.parametrize("length", [-1, 10**9, 7.0, np.array(7.5), None])
def test_a_length_that_cannot_be_is_refused(length):
    with pytest.raises(NetworkError, match=r"'frames' (has no length|asks for .* steps, and there are from 0 to)"):
        Noise("noise", "frames", 2)({"frames": length})
