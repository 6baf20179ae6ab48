from __future__ import annotations

import numpy as np
import pytest

from voxstack.testing import Case
from voxstack_dsp.fade import Fade


@pytest.mark.parametrize("total", [1, 7, 30, 59, 60, 61, 200])
def test_equals_factors_at_both_ends(total):
    block = Fade(1000, in_ms=20, out_ms=40)
    ones = np.ones(total, np.float32)
    rise, fall = (0.5 - 0.5 * np.cos(np.pi * np.arange(1, n + 1) / (n + 1)) for n in (20, 40))
    expected = np.ones(total)
    expected[:20] *= rise[:total]
    expected[-40:] *= fall[::-1][-total:]
    for sizes in ([total], [1], [13]):
        np.testing.assert_allclose(Case(block, source=ones).run(sizes, total), expected, rtol=1e-6)


def test_the_middle_passes_untouched():
    samples = np.random.default_rng(0).standard_normal(500).astype(np.float32)
    output = Case(Fade(1000, in_ms=20, out_ms=40), source=samples).run([64])
    np.testing.assert_array_equal(output[20:-40], samples[20:-40])
    assert abs(output[0]) < 0.01 * abs(samples[0])
    assert abs(output[-1]) < 0.01 * abs(samples[-1])


def test_a_line_includes_both_of_its_ends():
    output = Case(Fade(1000, in_ms=5, out_ms=3, shape="linear"), source=np.ones(20, np.float32)).run([3])
    np.testing.assert_allclose(output[:6], [0, 0.25, 0.5, 0.75, 1, 1])
    np.testing.assert_allclose(output[-4:], [1, 1, 0.5, 0])
