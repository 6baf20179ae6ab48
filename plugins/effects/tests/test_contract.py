from __future__ import annotations

import numpy as np
import pytest
from tiny import addon, loaded

from voxstack.testing import Case, parametrize_with_checks
from voxstack_effects.equalizer import HighShelf, LowShelf, Notch, PeakFilter
from voxstack_effects.loudness import Loudness
from voxstack_effects.passes import BandPass, HighPass, LowPass
from voxstack_effects.telephone import Telephone

RANDOM = np.random.default_rng(5)
SPEECH = (RANDOM.standard_normal(24_000) * np.repeat([0.02, 0.3, 0.0, 0.1], 6000)).astype(np.float32)


FILTERS = [
    LowPass(3000, order=7, sample_rate=16_000),
    HighPass(80, order=4, sample_rate=16_000),
    BandPass(300, 3400, order=4, sample_rate=8000),
    Notch(50, sample_rate=16_000),
    PeakFilter(2500, 6, sample_rate=16_000),
    LowShelf(200, -9, sample_rate=16_000),
    loaded(HighShelf(3000, 4, q=0.5), addon()),
]


@parametrize_with_checks(
    [
        *(Case(block, source=SPEECH[:300]) for block in FILTERS),
        Case(Loudness(sample_rate=100, lookahead_ms=400), source=SPEECH[::40]),
        Case(loaded(Loudness(-30, 700, 2), addon(sample_rate=100)), source=SPEECH[::40]),
        Case(Telephone(sample_rate=16_000), source=SPEECH[:600]),
        Case(Telephone("A-law", sample_rate=8000), source=SPEECH[:600]),
        Case(loaded(Telephone("none", "network"), addon(sample_rate=24_000)), source=SPEECH[:600]),
    ]
)
def test_contract(case, check):
    check(case)


@pytest.mark.parametrize(
    "block",
    [LowPass(1000, sample_rate=8000), Loudness(sample_rate=8000), Telephone(sample_rate=8000), Telephone()],
    ids=lambda block: type(block).__name__,
)
def test_empty_chunks_change_nothing(block):
    block.load(addon(sample_rate=16_000))
    pieces = [SPEECH[:0], SPEECH[:20], SPEECH[20:20], SPEECH[20:], SPEECH[:0]]
    made = np.concatenate(list(block.stream(iter(pieces), {})))
    np.testing.assert_array_equal(made, np.concatenate(list(block.stream(iter([SPEECH]), {}))))
    assert list(block.stream(iter([]), {})) == []
