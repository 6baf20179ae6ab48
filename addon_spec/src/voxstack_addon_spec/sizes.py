"""The axes of a network that a context fixes, and their sizes."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping

from voxstack_addon_spec.checks.finding import elements
from voxstack_addon_spec.contexts import Context
from voxstack_addon_spec.errors import ContextError
from voxstack_addon_spec.limits import MAX_COMBINATIONS, MAX_ELEMENTS
from voxstack_addon_spec.networks import NetworkSpec


def fixed_axes(spec: NetworkSpec, context: Context) -> dict[str, tuple[int, ...]]:
    """Return the axes of a network's inputs that a context fixes, each with its sizes, ascending.

    Hardware that needs one axis fixed also needs the batch fixed: it is 1 unless the context says otherwise. Empty for
    a network that has none of the axes in ``context.shapes``: any length is accepted.
    """
    own = named_axes(spec)
    if not any(axis in context.shapes for axis in own):
        return {}
    sizes = {"batch": (1,), **context.shapes}
    return {axis: tuple(sorted(sizes[axis])) for axis in own if axis in sizes}


def free_axes(spec: NetworkSpec, context: Context) -> list[str]:
    """Return the named axes of a network's inputs that a context leaves free."""
    fixed = fixed_axes(spec, context)
    return [axis for axis in named_axes(spec) if axis not in fixed]


def require_all_fixed(spec: NetworkSpec, context: Context, device: str) -> None:
    """Refuse a network with a free axis, for a device that accepts only fixed sizes.

    :raises ContextError: naming the axes, and what to add to the context.
    """
    free = free_axes(spec, context)
    free = [axis for axis in free if axis != "batch"] or free  # the batch is 1 as soon as another axis is fixed
    if free:
        example = ", ".join(f'"{axis}": [{1 if axis == "batch" else 64}]' for axis in free)
        raise ContextError(
            f"network {spec.name!r}: {device} takes tensors of fixed size only, and the context leaves {free} free; "
            f"give sizes for them, such as {{{example}}}, in its 'shapes'"
        )


def check_sizes(spec: NetworkSpec, context: Context) -> None:
    """Check that the fixed sizes of a network can be compiled and filled.

    :raises ContextError: if there are more than 256 combinations of them, or the largest array has more than 2^24
        elements.
    """
    axes = fixed_axes(spec, context)
    count = math.prod(len(sizes) for sizes in axes.values())
    largest = {axis: sizes[-1] for axis, sizes in axes.items()}
    size = max((elements(tensor.shape, largest) for tensor in spec.inputs.values()), default=0)
    problem = ""
    if count > MAX_COMBINATIONS:
        problem = f"{count} combinations of sizes, and each is compiled; at most {MAX_COMBINATIONS} are allowed"
    elif axes and size > MAX_ELEMENTS:
        problem = f"an array of {size} elements; at most {MAX_ELEMENTS} are allowed"
    if problem:
        raise ContextError(f"network {spec.name!r}: the context's 'shapes' give {problem}; use fewer or smaller sizes")


def combinations(axes: Mapping[str, tuple[int, ...]]) -> list[dict[str, int]]:
    """Return every combination of sizes, the least work first."""
    combined = [dict(zip(axes, sizes, strict=True)) for sizes in itertools.product(*axes.values())]
    return sorted(combined, key=lambda sizes: math.prod(sizes.values()))


def named_axes(spec: NetworkSpec) -> list[str]:
    """Return the names of the axes of a network's inputs."""
    return list(
        dict.fromkeys(axis for tensor in spec.inputs.values() for axis in tensor.shape if isinstance(axis, str))
    )


def axis_position(spec: NetworkSpec, axis: str) -> tuple[str, int]:
    """Return an input that has a named axis, and the position of the axis in its shape."""
    return next((name, tensor.shape.index(axis)) for name, tensor in spec.inputs.items() if axis in tensor.shape)
