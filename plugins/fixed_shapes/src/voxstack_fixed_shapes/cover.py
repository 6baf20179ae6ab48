"""How a length is made up of windows of a few sizes."""

from __future__ import annotations

import bisect
import threading
from typing import NamedTuple


class Part(NamedTuple):
    """One window: steps ``start`` to ``start + size``, of which those from ``first`` to ``last`` are given out.

    All count from the start of what is covered. A window may reach beyond its end: that is padding.
    """

    start: int
    size: int
    first: int
    last: int


class Cover:
    """Tells which windows to run for a length, so that the fewest steps are computed; of equally many, in the fewest windows.

    A window is good where it has its context: the steps that an output sees on each side, or the true start or end. The last
    window slides back to the true end; what is shorter than the window that is cheapest for it is padded, where that may be.

    :param sizes: ascending.
    :param context: steps to the left and to the right that an output sees; None: it is never cut.
    :param padded: whether what is shorter than a window may be padded.
    """

    def __init__(self, sizes: tuple[int, ...], context: tuple[int, int] | None, padded: bool) -> None:
        self._sizes, self._padded = sizes, padded
        self._left, self._right = context or (0, 0)
        around = self._left + self._right
        # Without padding, no window may be longer than the whole: a table for the smallest size, for the smaller two, and so on.
        self._longer = [size for size in sizes if size > around] if context else []
        self._seams = [_Seams(tuple(self._longer[: count + 1]), around) for count in range(len(self._longer))]

    def __call__(self, length: int) -> tuple[Part, ...] | None:
        """The windows, in order, for a length of 1 or more; None where there are none."""
        alone = fitting(self._sizes, length)
        if alone != length and not self._padded:
            alone = None
        usable = bisect.bisect_right(self._longer, length)
        if usable:
            seams = self._seams[usable - 1]
            if alone is None or seams.cost(length) < (alone, 1):
                return self._joined(length, seams.windows(length))
        return None if alone is None else (Part(0, alone, 0, length),)

    def _joined(self, length: int, sizes: list[int]) -> tuple[Part, ...]:
        parts, first = [], 0
        for size in sizes[:-1]:
            start = max(0, first - self._left)
            last = start + size - self._right
            parts.append(Part(start, size, first, last))
            first = last
        parts.append(Part(length - sizes[-1], sizes[-1], first, length))
        return tuple(parts)


class _Seams:
    """The cheapest windows for any length.

    Windows of sizes T1 to Tk reach over ``sum(T) - (k - 1) * around`` steps in whatever order they come, as the steps around a
    seam are in both of its windows. So each brings ``T - around``, and ``length - around`` have to be brought: an unbounded
    knapsack, whose table grows to what was asked for. The largest size costs the least for what it brings; so many of a smaller
    one as bring no more than a number of the largest that costs no more are never needed, and beyond what fewer of them can bring
    a largest is always among the cheapest: from there on, the table need not grow.

    :param sizes: ascending, each larger than ``around``.
    """

    def __init__(self, sizes: tuple[int, ...], around: int) -> None:
        self._sizes, self._around = sizes, around
        self._brings = sizes[-1] - around
        self._most = sum((self._needless(size) - 1) * (size - around) for size in sizes[:-1])
        self._table = [(0, 0, 0)]  # for what is to be brought: steps, windows, the size of the first window
        self._growing = threading.Lock()

    def cost(self, length: int) -> tuple[int, int]:
        """(steps, windows) of the cheapest windows."""
        largest, rest = self._parted(length)
        steps, windows, _ = self._table[rest]
        return largest * self._sizes[-1] + steps, largest + windows

    def windows(self, length: int) -> list[int]:
        """Their sizes, the largest first."""
        largest, rest = self._parted(length)
        sizes = [self._sizes[-1]] * largest
        while rest > 0:
            sizes.append(self._table[rest][2])
            rest -= sizes[-1] - self._around
        return sorted(sizes, reverse=True)

    def _parted(self, length: int) -> tuple[int, int]:
        """How many windows of the largest size there are for sure, and what others have to bring."""
        bring = length - self._around
        largest = max(0, -(-(bring - self._most) // self._brings))
        rest = max(0, bring - largest * self._brings)
        if rest >= len(self._table):
            with self._growing:
                self._grow(rest)
        return largest, rest

    def _grow(self, bring: int) -> None:
        table = self._table
        for wanted in range(len(table), bring + 1):
            rests = ((table[max(0, wanted - size + self._around)], size) for size in self._sizes)
            table.append(min((steps + size, windows + 1, size) for (steps, windows, _), size in rests))

    def _needless(self, size: int) -> int:
        """The least number of windows of ``size`` in whose place as few steps or fewer of the largest size bring as much."""
        count = 1
        while -(-count * (size - self._around) // self._brings) * self._sizes[-1] > count * size:
            count += 1
        return count


def fitting(sizes: tuple[int, ...], length: int) -> int | None:
    """The smallest of the ascending sizes that ``length`` fits into; None if it fits none."""
    index = bisect.bisect_left(sizes, length)
    return sizes[index] if index < len(sizes) else None


def batches(sizes: tuple[int, ...], count: int) -> tuple[Part, ...]:
    """Parts of a batch: as many of the largest size as there are, and for the rest the smallest that it fits into.

    Fewer calls go before fewer rows: a row more in a call is cheaper than a call more.
    """
    parts = []
    for first in range(0, count, sizes[-1]):
        last = min(count, first + sizes[-1])
        parts.append(Part(first, fitting(sizes, last - first) or sizes[-1], first, last))
    return tuple(parts)
