"""Which runs at which sizes make up a call."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping

from voxstack import NetworkError
from voxstack.networks import Context, NetworkSpec
from voxstack_fixed_shapes.axes import Made, cut_axis, has_rows_apart, masked_axes
from voxstack_fixed_shapes.cover import Cover, Part, batches

Run = Mapping[str, Part]
"""One run: what it takes along each fixed axis."""


class Plan:
    """The runs that make up a call.

    :param lengths: of the fixed axes in the call.
    :param rows: for each part of the batch its windows, in order.
    """

    def __init__(self, lengths: Mapping[str, int], rows: tuple[tuple[Run, ...], ...]) -> None:
        self.lengths, self.rows = lengths, rows
        runs = [run for windows in rows for run in windows]
        self.runs = len(runs)
        self.exact = self.runs == 1 and all(part.size == lengths[axis] for axis, part in runs[0].items())
        """Whether it is one run of just the arrays of the call."""
        self.real = math.prod(lengths.values())
        self.computed = sum(math.prod(part.size for part in run.values()) for run in runs)
        self.sizes = Counter(" ".join(f"{axis}={part.size}" for axis, part in run.items()) for run in runs)
        self.steps = {axis: self._steps(axis, runs) for axis in lengths}

    def _steps(self, axis: str, runs: list[Run]) -> dict[str, int]:
        """Steps of an axis in all rows: of the call, of the runs, and of these padded and computed again."""
        if axis == "batch":
            real, useful = self.lengths[axis], self.lengths[axis]
            computed = sum(windows[0][axis].size for windows in self.rows)
        else:
            one = Part(0, 1, 0, 1)
            batch = [run.get("batch", one) for run in runs]
            real = self.lengths[axis] * self.lengths.get("batch", 1)
            computed = sum(run[axis].size * rows.size for run, rows in zip(runs, batch, strict=True))
            lengths = [
                min(run[axis].size, self.lengths[axis]) for run in runs
            ]  # windows slide back, so none but a single one is padded
            useful = sum(length * (rows.last - rows.first) for length, rows in zip(lengths, batch, strict=True))
        return {"real": real, "computed": computed, "padding": computed - useful, "recomputed": useful - real}


class Planner:
    """Makes plans for one network.

    :param axes: the fixed axes with their sizes, ascending.
    :param made: the axes of its outputs.
    :raises ContextError: if calls of other lengths cannot be had exactly.
    """

    def __init__(
        self,
        spec: NetworkSpec,
        context: Context,
        axes: Mapping[str, tuple[int, ...]],
        made: Mapping[str, tuple[Made, ...]],
    ) -> None:
        self._spec, self._split, self._axes = spec, context.split, axes
        self._masked = masked_axes(spec, axes)
        self.cut = cut_axis(spec, context, axes, made)
        self._rows_apart = has_rows_apart(spec)
        around = (spec.streaming.left, spec.streaming.right) if spec.streaming else None
        self._covers = {
            axis: Cover(sizes, around if axis == self.cut else None, padded=axis in self._masked)
            for axis, sizes in axes.items()
            if axis != "batch"
        }

    def __call__(self, lengths: tuple[int, ...]) -> Plan:
        """The plan of least work for a call.

        :param lengths: of the fixed axes, in their order; each is 1 or more.
        :raises NetworkError: if there is none, saying why and what helps.
        """
        known = dict(zip(self._axes, lengths, strict=True))
        rows = [{"batch": part} for part in self._batches(known["batch"])] if "batch" in known else [{}]
        windows: list[Run] = [{}]
        for axis, cover in self._covers.items():
            parts = cover(known[axis])
            if parts is None:
                raise NetworkError(self._refusal(axis, known[axis]))
            windows = [{**window, axis: part} for window in windows for part in parts]
        return Plan(known, tuple(tuple({**row, **window} for window in windows) for row in rows))

    def _batches(self, count: int) -> tuple[Part, ...]:
        sizes = self._axes["batch"]
        if count not in sizes and not self._rows_apart:
            raise NetworkError(
                f"network {self._spec.name!r}: a batch of {count}, and the context declares {list(sizes)}; what it makes of a row depends "
                "on the others, so they cannot run apart: declare this batch in the context's 'shapes'"
            )
        return batches(sizes, count)

    def _refusal(self, axis: str, length: int) -> str:
        sizes, streaming = self._axes[axis], self._spec.streaming
        where = f"network {self._spec.name!r}: {length} {axis}"
        if length > sizes[-1] and not self._split:
            return f"{where}, the largest size is {sizes[-1]}, and the context says not to split; give less at once, or declare a larger size"
        if axis == self.cut:
            return (
                f"{where}, and the smallest size is {sizes[0]}; without a mask nothing shorter can be padded exactly: give more at once, "
                "declare a smaller size in the context's 'shapes', or export the network with a mask"
            )
        if axis not in self._masked:
            return (
                f"{where}, and it takes exactly {list(sizes)}: it has no mask, without which padding is not exact; declare this size in "
                "the context's 'shapes', or export the network with a mask"
            )
        why = (
            "not all of its outputs follow the stream"
            if streaming and axis == streaming.axis
            else "it sees a whole at once"
        )
        return (
            f"{where}, and the largest size is {sizes[-1]}; {why}, so it cannot be cut into windows: give less at once (text is cut at the "
            "best place where the block that makes it asks the stack for its limits), or declare a larger size in the context's 'shapes'"
        )
