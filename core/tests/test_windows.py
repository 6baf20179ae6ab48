from __future__ import annotations

import numpy as np
import pytest

from voxstack import windows
from voxstack.streaming.windows import pulls


def cut(frames: np.ndarray, sizes: list[int]):
    start = 0
    for size in sizes:
        yield frames[start : start + size]
        start += size
    assert start >= len(frames), "the sizes do not reach the end"


def moving_sum(frames: np.ndarray, left: int, right: int) -> np.ndarray:
    """Run a network of this context: each output sums its window, zero beyond the stream."""
    padded = np.concatenate([np.zeros(left), frames, np.zeros(right)])
    return np.convolve(padded, np.ones(left + right + 1), "valid")


SIZES = {
    0: [[], [0]],
    1: [[1], [0, 1, 0]],
    5: [[5], [1] * 5, [2, 3]],
    40: [[40], [1] * 40, [7, 11, 13, 9], [39, 1], [1, 39], [3, 0, 37]],
}


@pytest.mark.parametrize(("left", "right"), [(0, 0), (3, 2), (0, 4), (6, 0), (50, 50)])
@pytest.mark.parametrize(("total", "sizes"), [(total, sizes) for total, rows in SIZES.items() for sizes in rows])
def test_windowed_equals_whole(left: int, right: int, total: int, sizes: list[int]) -> None:
    frames = np.random.default_rng(1).integers(-9, 9, total).astype(float)
    made = [
        moving_sum(w.frames, left, right)[w.skip : w.skip + w.size] for w in windows(cut(frames, sizes), left, right)
    ]
    np.testing.assert_array_equal(np.concatenate([*made, []]), moving_sum(frames, left, right) if total else [])


@pytest.mark.parametrize("sizes", [[30], [1] * 30, [4, 26]])
def test_every_frame_is_new_once_and_knows_its_number(sizes: list[int]) -> None:
    frames = np.arange(30)
    rows = list(windows(cut(frames, sizes), 3, 4))
    np.testing.assert_array_equal(np.concatenate([w.frames[w.skip : w.skip + w.size] for w in rows]), frames)
    for window in rows:
        np.testing.assert_array_equal(window.frames, np.arange(window.start, window.start + len(window.frames)))


def test_context_is_no_longer_than_asked_for() -> None:
    for window in windows(cut(np.arange(100), [10] * 10), 3, 4):
        assert window.skip <= 3
        assert len(window.frames) - window.skip - window.size <= 4 + 10  # the chunk that was read ahead is not in it


def test_the_first_window_reads_nothing_ahead_and_later_ones_one_chunk() -> None:
    pulled = []
    source = (pulled.append(i) or np.zeros(8) for i in range(6))
    for given, _ in enumerate(windows(source, 2, 5), 1):
        assert len(pulled) <= (1 if given == 1 else given + 1)
    assert given == 6


def test_the_end_needs_no_window_of_its_own() -> None:
    assert [w.size for w in windows(cut(np.zeros(32), [8] * 4), 2, 5)] == [3, 8, 8, 13]


def test_work_is_linear() -> None:
    shown = sum(len(w.frames) for w in windows(cut(np.zeros(4000), [1] * 4000), 5, 5))
    assert shown <= 4000 * 11


def test_a_stream_of_one_chunk_is_one_window_when_its_end_is_looked_for_at_once() -> None:
    assert [w.size for w in windows(cut(np.zeros(32), [32]), 2, 5, read_ahead=True)] == [32]
    assert [w.size for w in windows(cut(np.zeros(32), [8] * 4), 2, 5, read_ahead=True)] == [3, 8, 8, 13]


def moving_sum_by_steps(chunks, left: int, right: int, read_ahead: bool):
    """Run the same network with its past as a state: every frame goes in once."""
    past = np.zeros(left)
    for frames, last in pulls(chunks, right, read_ahead=read_ahead):
        joined = np.concatenate([past, frames, np.zeros(right if last else 0)])
        if len(joined) > left + right:
            yield np.convolve(joined, np.ones(left + right + 1), "valid")
        past = joined[len(joined) - left - right :]


@pytest.mark.parametrize("read_ahead", [False, True])
@pytest.mark.parametrize(("left", "right"), [(0, 0), (3, 2), (0, 4), (6, 0), (50, 50)])
@pytest.mark.parametrize(("total", "sizes"), [(total, sizes) for total, rows in SIZES.items() for sizes in rows])
def test_with_state_equals_whole(left: int, right: int, total: int, sizes: list[int], read_ahead: bool) -> None:
    frames = np.random.default_rng(1).integers(-9, 9, total).astype(float)
    made = list(moving_sum_by_steps(cut(frames, sizes), left, right, read_ahead))
    np.testing.assert_array_equal(np.concatenate([*made, []]), moving_sum(frames, left, right) if total else [])


@pytest.mark.parametrize(
    ("sizes", "read_ahead", "expected"),
    [
        ([8] * 4, False, [(8, False), (8, False), (8, False), (8, True)]),
        ([8] * 4, True, [(8, False), (8, False), (8, False), (8, True)]),
        ([32], False, [(32, False), (0, True)]),
        ([32], True, [(32, True)]),
        ([2, 3, 1], False, [(6, False), (0, True)]),
        ([2, 3, 1, 4], False, [(6, False), (4, True)]),
        ([2, 3], False, [(5, True)]),
        ([8, 1, 1, 1, 4, 1], False, [(8, False), (2, False), (5, False), (1, True)]),
        ([1], True, [(1, True)]),
        ([0, 0], False, []),
    ],
)
def test_first_pull_has_more_than_is_looked_ahead_and_one_pull_is_the_last(sizes, read_ahead: bool, expected) -> None:
    assert [
        (len(p.frames), p.last) for p in pulls(cut(np.zeros(sum(sizes)), sizes), 5, read_ahead=read_ahead)
    ] == expected


def test_without_lookahead_nothing_is_left_for_a_last_pull_without_frames() -> None:
    assert [(len(p.frames), p.last) for p in pulls(cut(np.zeros(8), [8]), 0)] == [(8, False)]
    assert [(len(p.frames), p.last) for p in pulls(cut(np.zeros(10), [8, 1, 1]), 0)] == [
        (8, False),
        (1, False),
        (1, True),
    ]


def test_first_pull_reads_nothing_ahead_and_later_ones_one_chunk() -> None:
    pulled: list[int] = []
    source = (pulled.append(i) or np.zeros(8) for i in range(6))
    for given, _ in enumerate(pulls(source, 5), 1):
        assert len(pulled) <= (1 if given == 1 else given + 1)
    assert given == 6
