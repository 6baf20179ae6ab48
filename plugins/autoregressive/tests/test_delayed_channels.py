from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tiny import loaded

from voxstack import AddonError, StackError
from voxstack.testing import Case, parametrize_with_checks
from voxstack_autoregressive.delayed_channels import DelayedChannels

FRAMES = np.arange(60).reshape(20, 3)


def undone(delays: list[int], frames: np.ndarray, size: int) -> np.ndarray:
    chunks = (frames[start : start + size] for start in range(0, len(frames), size))
    parts = list(DelayedChannels(delays).stream(chunks, {}))
    return np.concatenate(parts) if parts else frames[:0]


@parametrize_with_checks(
    [Case(DelayedChannels([0, 2, 5]), source=FRAMES, fewer=5), Case(DelayedChannels([0]), source=FRAMES[:, :1])]
)
def test_contract(case: Case, check: Any):
    check(case)


@pytest.mark.parametrize("size", [1, 3, 6, 20])
def test_each_channel_comes_from_its_own_row(size: int):
    delayed = np.full((25, 3), -1)
    for channel, delay in enumerate([0, 2, 5]):
        delayed[delay : delay + 20, channel] = FRAMES[:, channel]
    np.testing.assert_array_equal(undone([0, 2, 5], delayed, size), FRAMES)


@pytest.mark.parametrize("length", [0, 4, 5])
def test_a_stream_that_is_no_longer_than_the_delay_has_no_frames(length: int):
    assert len(undone([0, 2, 5], FRAMES[:length], 2)) == 0


def test_refusals():
    with pytest.raises(AddonError, match=r"reads 2 channels, and receives frames of the shape \(3,\)"):
        undone([0, 1], FRAMES, 4)
    for delays in ([], [0, -1]):
        with pytest.raises(StackError, match="must be frames of at least 0, one for each channel"):
            loaded(DelayedChannels(delays), None)
