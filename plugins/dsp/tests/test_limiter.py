from __future__ import annotations

import numpy as np
import pytest

from voxstack.testing import Case
from voxstack_dsp.limiter import Limiter

RATE = 16000
SECONDS = np.arange(RATE) / RATE


def limited(samples: np.ndarray, **fields: float) -> np.ndarray:
    return Case(Limiter(RATE, **fields), source=samples).run([700], len(samples))


def direct(samples: np.ndarray, ceiling: float, ahead: int, rise: float) -> np.ndarray:
    """Return the gain, computed sample by sample in float64 from its definition."""
    needed = np.concatenate(
        [np.ones(ahead), np.minimum(1, ceiling / np.maximum(np.abs(samples), 1e-9)), np.ones(ahead)]
    )
    released, last = [], 1.0
    for k in range(len(samples) + ahead):
        last = min(needed[k : k + ahead + 1].min(), last + rise)
        released.append(last)
    return np.array([np.mean(released[n : n + ahead + 1]) for n in range(len(samples))])


@pytest.mark.parametrize("fields", [{}, {"ceiling_db": -6.0, "lookahead_ms": 1.3, "release_ms": 3.0}])
def test_equals_the_definition(fields):
    samples = (np.random.default_rng(1).standard_normal(6000) * np.repeat([0.2, 1.5, 0.1], 2000)).astype(np.float32)
    block = Limiter(RATE, **fields)
    gain = direct(samples, 10 ** (block.ceiling_db / 20), block.lookahead, 0.5 / (block.release_ms * RATE / 1000))
    assert gain.min() < 0.5
    np.testing.assert_allclose(limited(samples, **fields), samples * gain, atol=2e-6)


@pytest.mark.parametrize("ceiling_db", [0.0, -0.1, -1.0, -3.0, -12.3])
@pytest.mark.parametrize("scale", [0.9, 3.0, 1e4])
def test_never_exceeds_the_ceiling(ceiling_db, scale):
    random = np.random.default_rng(int(scale))
    clicks = np.where(random.random(20000) < 0.003, scale, 0.05).astype(np.float32) * random.standard_normal(
        20000
    ).astype(np.float32)
    for samples in (
        clicks,
        (scale * np.sign(np.sin(2 * np.pi * 310 * SECONDS))).astype(np.float32),
        np.full(5, scale, np.float32),
    ):
        output = limited(samples, ceiling_db=ceiling_db)
        assert float(np.abs(output).max()) <= 10 ** (ceiling_db / 20)


def test_leaves_alone_what_is_below_the_ceiling():
    samples = (0.89 * np.sin(2 * np.pi * 200 * SECONDS)).astype(np.float32)
    np.testing.assert_array_equal(limited(samples), samples)


def test_a_peak_changes_nothing_before_its_lookahead_and_after_its_release():
    samples = (0.5 * np.sin(2 * np.pi * 200 * SECONDS)).astype(np.float32)
    samples[5000] = 2.0
    output = limited(samples)  # 80 samples ahead; 0.55 to make up at 0.5 in 800 samples
    changed = np.flatnonzero(output != samples)
    assert 5000 - 80 <= changed.min() <= 5000 - 70
    assert 5000 + 800 <= changed.max() <= 5000 + 80 + 900
    assert output[5000] == pytest.approx(10 ** (-1 / 20), abs=1e-6)


def test_the_gain_is_smooth():
    samples = np.full(4000, 0.5, np.float32)
    samples[2000] = 5.0
    gain = limited(samples) / samples
    assert np.abs(np.diff(gain)).max() < 1.5 / 80


def test_the_sound_comes_no_later():
    samples = (2.0 * np.sin(2 * np.pi * 200 * SECONDS)).astype(np.float32)
    output = limited(samples)
    assert (np.sign(output) == np.sign(samples)).all()
