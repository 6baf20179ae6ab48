"""Plans: the runs at declared sizes that together compute a call."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping

from voxstack import NetworkError
from voxstack.errors import LengthError
from voxstack.networks import Context, NetworkSpec
from voxstack_fixed_shapes.axes import FixedAxes, OutputAxis, has_independent_rows, masked_axes, tiling_axis
from voxstack_fixed_shapes.tiling import Tile, Tiling, batch_tiles

Run = Mapping[str, Tile]
"""One run of the network: its tile along each fixed axis."""


class Plan:
    """The runs that compute a call.

    :param lengths: of the fixed axes in the call.
    :param rows: for each part of the batch its runs, in order.
    """

    def __init__(self, lengths: Mapping[str, int], rows: tuple[tuple[Run, ...], ...]) -> None:
        self.lengths, self.rows = lengths, rows
        runs = [run for windows in rows for run in windows]
        self.runs = len(runs)
        self.exact = self.runs == 1 and all(tile.size == lengths[axis] for axis, tile in runs[0].items())
        """Whether it is one run on the unchanged arrays of the call."""
        self.real = math.prod(lengths.values())
        self.computed = sum(math.prod(tile.size for tile in run.values()) for run in runs)
        self.sizes = Counter(" ".join(f"{axis}={tile.size}" for axis, tile in run.items()) for run in runs)
        self.steps = {axis: self._steps(axis, runs) for axis in lengths}

    def _steps(self, axis: str, runs: list[Run]) -> dict[str, int]:
        """Return the steps of an axis in all rows: real, computed, and of these padding and recomputed."""
        if axis == "batch":
            real, useful = self.lengths[axis], self.lengths[axis]
            computed = sum(windows[0][axis].size for windows in self.rows)
        else:
            single_row = Tile(0, 1, 0, 1)
            batch = [run.get("batch", single_row) for run in runs]
            real = self.lengths[axis] * self.lengths.get("batch", 1)
            computed = sum(run[axis].size * rows.size for run, rows in zip(runs, batch, strict=True))
            # windows slide back, so only a single one is ever padded
            lengths = [min(run[axis].size, self.lengths[axis]) for run in runs]
            useful = sum(length * (rows.last - rows.first) for length, rows in zip(lengths, batch, strict=True))
        return {"real": real, "computed": computed, "padding": computed - useful, "recomputed": useful - real}


class Planner:
    """Plans the calls of one network.

    :param axes: the fixed axes with their sizes, ascending.
    :param outputs: the axes of its outputs.
    :raises ContextError: if calls of other lengths could not be computed exactly.
    """

    def __init__(
        self,
        spec: NetworkSpec,
        context: Context,
        axes: FixedAxes,
        outputs: Mapping[str, tuple[OutputAxis, ...]],
    ) -> None:
        self._spec, self._split, self._axes = spec, context.split, axes
        self._masked = masked_axes(spec, axes)
        self.tiling_axis = tiling_axis(spec, context, axes, outputs)
        self._independent_rows = has_independent_rows(spec)
        around = (spec.streaming.left, spec.streaming.right) if spec.streaming else None
        self._tilings = {
            axis: Tiling(sizes, around if axis == self.tiling_axis else None, padded=axis in self._masked)
            for axis, sizes in axes.items()
            if axis != "batch"
        }

    def __call__(self, lengths: tuple[int, ...]) -> Plan:
        """Return the plan of least work for a call.

        :param lengths: of the fixed axes, in their order; each is 1 or more.
        :raises NetworkError: if no size fits, stating why and what helps; a LengthError if shorter parts would fit.
        """
        by_axis = dict(zip(self._axes, lengths, strict=True))
        rows = [{"batch": tile} for tile in self._batches(by_axis["batch"])] if "batch" in by_axis else [{}]
        windows: list[Run] = [{}]
        for axis, tiling in self._tilings.items():
            tiles = tiling(by_axis[axis])
            if tiles is None:
                raise self._refusal(axis, by_axis[axis])
            windows = [{**window, axis: tile} for window in windows for tile in tiles]
        return Plan(by_axis, tuple(tuple({**row, **window} for window in windows) for row in rows))

    def _batches(self, count: int) -> tuple[Tile, ...]:
        sizes = self._axes["batch"]
        if count not in sizes and not self._independent_rows:
            raise NetworkError(
                f"network {self._spec.name!r}: a batch of {count}, and the context declares {list(sizes)}; its results "
                "for a row depend on the other rows, so rows cannot run separately: declare this batch in the "
                "context's 'shapes'"
            )
        return batch_tiles(sizes, count)

    def _refusal(self, axis: str, length: int) -> NetworkError:
        sizes, streaming = self._axes[axis], self._spec.streaming
        where = f"network {self._spec.name!r}: {length} {axis}"
        if length > sizes[-1] and not self._split:
            return NetworkError(
                f"{where}, the largest size is {sizes[-1]}, and the context says not to split; pass less at once, or "
                "declare a larger size"
            )
        if axis == self.tiling_axis:
            return NetworkError(
                f"{where}, and the smallest size is {sizes[0]}; without a mask nothing shorter can be padded exactly: "
                "pass more at once, declare a smaller size in the context's 'shapes', or export the network with a "
                "mask"
            )
        if axis not in self._masked:
            return NetworkError(
                f"{where}, and it accepts exactly {list(sizes)}: it has no mask, without which padding is not exact; "
                "declare this size in the context's 'shapes', or export the network with a mask"
            )
        why = (
            "not all of its outputs follow the stream"
            if streaming and axis == streaming.axis
            else "it processes the whole at once"
        )
        problem = (
            f"{where}, and the largest size is {sizes[-1]}; {why}, so it cannot be cut into windows: pass less at once "
            "(Sentences cuts text that has more), or declare a larger size in the context's 'shapes'"
        )
        return LengthError(problem, axis, length, sizes[-1])
