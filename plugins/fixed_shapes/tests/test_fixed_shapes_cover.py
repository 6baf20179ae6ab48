from __future__ import annotations

import functools
import random

import pytest

from voxstack_fixed_shapes.cover import Cover, Part, batches


def cheapest(sizes: tuple[int, ...], left: int, right: int, padded: bool, length: int) -> tuple[int, int] | None:
    """(steps, windows) of the cheapest windows, of all that there are, wherever they start."""
    found: list[tuple[int, int, int]] = []
    for size in sizes:
        for start in range(length):
            if start + size <= length or (padded and start == 0):
                end = length if start + size >= length else start + size - right
                found.append((0 if start == 0 else start + left, end, size))

    @functools.cache
    def after(done: int) -> tuple[int, int] | None:
        if done >= length:
            return 0, 0
        ways = [(size, after(end)) for first, end, size in found if first <= done < end]
        return min(((size + rest[0], 1 + rest[1]) for size, rest in ways if rest is not None), default=None)

    return after(0)


@pytest.mark.parametrize("seed", range(40))
def test_no_other_windows_compute_less(seed: int) -> None:
    pick = random.Random(seed)
    left, right, padded = pick.randint(0, 4), pick.randint(0, 4), pick.random() < 0.5
    sizes = tuple(sorted(pick.sample(range(1, 24), pick.randint(1, 3))))
    cover = Cover(sizes, (left, right), padded)
    for length in pick.sample(range(1, 70), 20):
        parts = cover(length)
        cost = None if parts is None else (sum(part.size for part in parts), len(parts))
        assert cost == cheapest(sizes, left, right, padded, length), (sizes, left, right, padded, length)


@pytest.mark.parametrize("seed", range(20))
def test_every_step_is_given_out_once_and_has_its_context(seed: int) -> None:
    pick = random.Random(seed)
    left, right, padded = pick.randint(0, 20), pick.randint(0, 20), pick.random() < 0.5
    sizes = tuple(sorted(pick.sample(range(left + right + 1, 200), 3)))
    cover = Cover(sizes, (left, right), padded)
    for length in [*pick.sample(range(sizes[0], 4000), 30), sizes[0], sizes[2], sizes[2] + 1]:
        parts = cover(length)
        assert parts is not None or not padded
        done = 0
        for part in parts or ():
            assert part.size in sizes
            assert part.first == done < part.last
            assert part.first == 0 or part.start + left <= part.first
            assert part.last == length or part.last <= part.start + part.size - right
            assert part.start >= 0
            assert part.start + part.size <= length or (padded and len(parts or ()) == 1)
            done = part.last
        assert done == length or parts is None


def test_long_calls_need_no_long_table() -> None:
    cover = Cover((96, 256, 640), (18, 18), padded=True)
    parts = cover(10_000_000)
    assert parts is not None
    assert {part.size for part in parts[:-10]} == {640}
    assert len(cover._seams[-1]._table) < 1500


def test_what_is_never_cut_is_one_window_or_none() -> None:
    assert Cover((8, 16), None, padded=True)(9) == (Part(0, 16, 0, 9),)
    assert Cover((8, 16), None, padded=True)(17) is None
    assert Cover((8, 16), None, padded=False)(16) == (Part(0, 16, 0, 16),)
    assert Cover((8, 16), None, padded=False)(9) is None


def test_without_padding_windows_slide_back_to_the_true_end() -> None:
    cover = Cover((10, 20), (2, 1), padded=False)
    assert cover(9) is None
    assert cover(12) == (Part(0, 10, 0, 9), Part(2, 10, 9, 12))
    assert cover(19) == (Part(0, 10, 0, 9), Part(7, 10, 9, 16), Part(9, 10, 16, 19))
    assert cover(20) == (Part(0, 20, 0, 20),)


def test_a_batch_takes_the_largest_size_and_pads_the_rest() -> None:
    assert batches((1,), 3) == (Part(0, 1, 0, 1), Part(1, 1, 1, 2), Part(2, 1, 2, 3))
    assert batches((1, 4), 7) == (Part(0, 4, 0, 4), Part(4, 4, 4, 7))
    assert batches((1, 4), 5) == (Part(0, 4, 0, 4), Part(4, 1, 4, 5))
    assert batches((2, 4), 1) == (Part(0, 2, 0, 1),)
