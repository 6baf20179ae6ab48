"""The names of the axes of outputs, found by comparing two utterances of different lengths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from voxstack_packager.errors import PackagingError
from voxstack_packager.from_modules.adapter import OutputPlan

Sizes = Mapping[str, tuple[int, int]]
"""The sizes of the named axes of the inputs, in both utterances."""

Shapes = tuple[tuple[int, ...], tuple[int, ...]]
"""The shapes of one tensor in both utterances."""


def plan_output(where: str, name: str, index: int, shapes: Shapes, sizes: Sizes) -> OutputPlan:
    """Return the form of an output: the batch first, then time, then features.

    :raises PackagingError: if it has no batch axis, or another number of axes each time.
    """
    first, second = shapes
    if len(first) != len(second) or not first or first[0] != 1 or second[0] != 1:
        problem = f"output {name!r} has the shapes {first} and {second} for two utterances, each a batch of one"
        raise PackagingError(where, f"{problem}; return tensors with the batch first, and as many axes each time")
    axes: list[str | int] = ["batch", *_named(name, first[1:], second[1:], sizes)]
    varying = [i for i, axis in enumerate(axes) if i and isinstance(axis, str)]
    squeezed = _unneeded(axes, varying)
    if squeezed is not None:
        del axes[squeezed]
    transposed = len(axes) == 3 and isinstance(axes[1], int) and isinstance(axes[2], str)
    if transposed:
        axes[1], axes[2] = axes[2], axes[1]
    return OutputPlan(name, index, squeezed, transposed, tuple(axes))


def own_axis(plan: OutputPlan, sizes: Sizes) -> str | None:
    """Return the axis of an output that no input has, if there is one."""
    return next((axis for axis in plan.axes[1:] if isinstance(axis, str) and axis not in sizes), None)


def _named(name: str, first: Sequence[int], second: Sequence[int], sizes: Sizes) -> list[str | int]:
    own = "samples" if name == "samples" else f"{name}_steps"
    axes: list[str | int] = []
    for one, two in zip(first, second, strict=True):
        known = next((axis for axis, pair in sizes.items() if pair == (one, two)), None)
        axes.append(one if one == two else known or own)
    return axes


def _unneeded(axes: Sequence[str | int], varying: Sequence[int]) -> int | None:
    """Return the position of a feature axis of size 1 beside a single axis of time: a value per step is a number."""
    if len(axes) != 3 or len(varying) != 1:
        return None
    other = 3 - varying[0]
    return other if axes[other] == 1 else None
