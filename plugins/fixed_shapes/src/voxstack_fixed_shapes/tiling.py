"""Tilings: lengths covered by windows of a few sizes."""

from __future__ import annotations

import bisect
import threading
from typing import NamedTuple


class Tile(NamedTuple):
    """One window, steps ``start`` to ``start + size``, of which the steps ``first`` to ``last`` are kept.

    All of them count from the start of the covered length. A window may reach beyond its end: these steps are padding.
    """

    start: int
    size: int
    first: int
    last: int


class Tiling:
    """Covers a length with windows, so that the fewest steps are computed; of equally many, with the fewest windows.

    A step of a window is kept where the window has its context: the steps that an output sees on each side, or the true
    start or end. The last window slides back to the true end; a length that is shorter than the cheapest window for it
    is padded, where padding is allowed.

    :param sizes: of windows, ascending.
    :param context: steps to the left and to the right that an output sees; None: the length is never cut.
    :param padded: whether a length that is shorter than a window may be padded.
    """

    def __init__(self, sizes: tuple[int, ...], context: tuple[int, int] | None, padded: bool) -> None:
        self._sizes, self._padded = sizes, padded
        self._left, self._right = context or (0, 0)
        around = self._left + self._right
        # Without padding, no window may be longer than the whole: one table for the smallest size, one for the smallest
        # two, and so on.
        self._longer = [size for size in sizes if size > around] if context else []
        self._tables = [_WindowTable(tuple(self._longer[: count + 1]), around) for count in range(len(self._longer))]

    def __call__(self, length: int) -> tuple[Tile, ...] | None:
        """Return the tiles, in order, for a length of 1 or more; None if there are none."""
        single = smallest_fitting(self._sizes, length)
        if single != length and not self._padded:
            single = None
        usable = bisect.bisect_right(self._longer, length)
        if usable:
            table = self._tables[usable - 1]
            if single is None or table.cost(length) < (single, 1):
                return self._joined(length, table.windows(length))
        return None if single is None else (Tile(0, single, 0, length),)

    def _joined(self, length: int, sizes: list[int]) -> tuple[Tile, ...]:
        tiles, first = [], 0
        for size in sizes[:-1]:
            start = max(0, first - self._left)
            last = start + size - self._right
            tiles.append(Tile(start, size, first, last))
            first = last
        tiles.append(Tile(length - sizes[-1], sizes[-1], first, length))
        return tuple(tiles)


class _WindowTable:
    """The cheapest windows for any length.

    Windows of sizes T1 to Tk cover ``sum(T) - (k - 1) * around`` steps in whatever order they come, as the steps around
    a seam are in both of its windows. So each contributes ``T - around``, and ``length - around`` have to be
    contributed: an unbounded knapsack, whose table grows to the longest rest requested. The largest size costs the
    least for what it contributes. Smaller windows that contribute no more than a number of the largest that costs no
    more are never needed, and beyond what fewer of them can contribute a largest window is always among the cheapest:
    from there on, the table need not grow.

    :param sizes: ascending, each larger than ``around``.
    :param around: steps of context of an output, left and right together.
    """

    def __init__(self, sizes: tuple[int, ...], around: int) -> None:
        self._sizes, self._around = sizes, around
        self._largest_contribution = sizes[-1] - around
        self._limit = sum((self._needless(size) - 1) * (size - around) for size in sizes[:-1])
        self._table = [(0, 0, 0)]  # by steps to be contributed: steps computed, windows, the size of the first window
        self._growing = threading.Lock()

    def cost(self, length: int) -> tuple[int, int]:
        """Return (steps, windows) of the cheapest windows."""
        largest, rest = self._split(length)
        steps, windows, _ = self._table[rest]
        return largest * self._sizes[-1] + steps, largest + windows

    def windows(self, length: int) -> list[int]:
        """Return the sizes of the cheapest windows, the largest first."""
        largest, rest = self._split(length)
        sizes = [self._sizes[-1]] * largest
        while rest > 0:
            sizes.append(self._table[rest][2])
            rest -= sizes[-1] - self._around
        return sorted(sizes, reverse=True)

    def _split(self, length: int) -> tuple[int, int]:
        """Return the number of largest windows that are certain, and the steps that the others have to contribute."""
        contribution = length - self._around
        largest = max(0, -(-(contribution - self._limit) // self._largest_contribution))
        rest = max(0, contribution - largest * self._largest_contribution)
        if rest >= len(self._table):
            with self._growing:
                self._grow(rest)
        return largest, rest

    def _grow(self, contribution: int) -> None:
        table = self._table
        for wanted in range(len(table), contribution + 1):
            rests = ((table[max(0, wanted - size + self._around)], size) for size in self._sizes)
            table.append(min((steps + size, windows + 1, size) for (steps, windows, _), size in rests))

    def _needless(self, size: int) -> int:
        """Return the smallest number of windows of ``size`` that are never needed together.

        Windows of the largest size contribute as much as these at no more steps.
        """
        count = 1
        while -(-count * (size - self._around) // self._largest_contribution) * self._sizes[-1] > count * size:
            count += 1
        return count


def smallest_fitting(sizes: tuple[int, ...], length: int) -> int | None:
    """Return the smallest of the ascending sizes that ``length`` fits into; None if it fits none."""
    index = bisect.bisect_left(sizes, length)
    return sizes[index] if index < len(sizes) else None


def batch_tiles(sizes: tuple[int, ...], count: int) -> tuple[Tile, ...]:
    """Return the parts of a batch: as many of the largest size as possible, and the smallest that the rest fits into.

    Fewer calls take precedence over fewer rows: one more row in a call is cheaper than one more call.
    """
    tiles = []
    for first in range(0, count, sizes[-1]):
        last = min(count, first + sizes[-1])
        tiles.append(Tile(first, smallest_fitting(sizes, last - first) or sizes[-1], first, last))
    return tuple(tiles)
