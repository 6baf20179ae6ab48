from __future__ import annotations

import functools
import random

import pytest

from voxstack_fixed_shapes.tiling import Tile, Tiling, batch_tiles


def cheapest(sizes: tuple[int, ...], left: int, right: int, padded: bool, length: int) -> tuple[int, int] | None:
    """Return (steps, windows) of the cheapest windows, of all that there are, wherever they start."""
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
    tiling = Tiling(sizes, (left, right), padded)
    for length in pick.sample(range(1, 70), 20):
        tiles = tiling(length)
        cost = None if tiles is None else (sum(tile.size for tile in tiles), len(tiles))
        assert cost == cheapest(sizes, left, right, padded, length), (sizes, left, right, padded, length)


@pytest.mark.parametrize("seed", range(20))
def test_every_step_is_kept_once_and_has_its_context(seed: int) -> None:
    pick = random.Random(seed)
    left, right, padded = pick.randint(0, 20), pick.randint(0, 20), pick.random() < 0.5
    sizes = tuple(sorted(pick.sample(range(left + right + 1, 200), 3)))
    tiling = Tiling(sizes, (left, right), padded)
    for length in [*pick.sample(range(sizes[0], 4000), 30), sizes[0], sizes[2], sizes[2] + 1]:
        tiles = tiling(length)
        assert tiles is not None or not padded
        done = 0
        for tile in tiles or ():
            assert tile.size in sizes
            assert tile.first == done < tile.last
            assert tile.first == 0 or tile.start + left <= tile.first
            assert tile.last == length or tile.last <= tile.start + tile.size - right
            assert tile.start >= 0
            assert tile.start + tile.size <= length or (padded and len(tiles or ()) == 1)
            done = tile.last
        assert done == length or tiles is None


def test_long_calls_need_no_long_table() -> None:
    tiling = Tiling((96, 256, 640), (18, 18), padded=True)
    tiles = tiling(10_000_000)
    assert tiles is not None
    assert {tile.size for tile in tiles[:-10]} == {640}
    assert len(tiling._tables[-1]._table) < 1500


def test_what_is_never_cut_is_one_window_or_none() -> None:
    assert Tiling((8, 16), None, padded=True)(9) == (Tile(0, 16, 0, 9),)
    assert Tiling((8, 16), None, padded=True)(17) is None
    assert Tiling((8, 16), None, padded=False)(16) == (Tile(0, 16, 0, 16),)
    assert Tiling((8, 16), None, padded=False)(9) is None


def test_without_padding_windows_slide_back_to_the_true_end() -> None:
    tiling = Tiling((10, 20), (2, 1), padded=False)
    assert tiling(9) is None
    assert tiling(12) == (Tile(0, 10, 0, 9), Tile(2, 10, 9, 12))
    assert tiling(19) == (Tile(0, 10, 0, 9), Tile(7, 10, 9, 16), Tile(9, 10, 16, 19))
    assert tiling(20) == (Tile(0, 20, 0, 20),)


def test_a_batch_takes_the_largest_size_and_pads_the_rest() -> None:
    assert batch_tiles((1,), 3) == (Tile(0, 1, 0, 1), Tile(1, 1, 1, 2), Tile(2, 1, 2, 3))
    assert batch_tiles((1, 4), 7) == (Tile(0, 4, 0, 4), Tile(4, 4, 4, 7))
    assert batch_tiles((1, 4), 5) == (Tile(0, 4, 0, 4), Tile(4, 1, 4, 5))
    assert batch_tiles((2, 4), 1) == (Tile(0, 2, 0, 1),)
