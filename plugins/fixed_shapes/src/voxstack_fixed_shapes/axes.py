"""Properties of the axes of a network that a context fixes, as the network's spec declares them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from voxstack import ContextError
from voxstack.networks import Context, NetworkSpec, Tensor

MAX_MEASURED_ERROR = 1e-5
"""Limit of the measured difference between padded and unpadded, and between a row in a batch and alone.

It is relative to the scale of the output.
"""

FixedAxes = Mapping[str, tuple[int, ...]]
"""The fixed axes of a network, each with its declared sizes, ascending."""


class OutputAxis(NamedTuple):
    """One axis of an output: its position in the shape, and the input axis and the factor that give its length."""

    position: int
    axis: str
    times: int


def masked_axes(spec: NetworkSpec, axes: FixedAxes) -> frozenset[str]:
    """Return the fixed axes along which padding is exact: they are the last axis of a mask.

    :raises ContextError: for a mask with which padding was measured not to be exact.
    """
    masks = {tensor.shape[-1]: name for name, tensor in spec.inputs.items() if tensor.mask and tensor.shape[-1] in axes}
    for axis, name in masks.items():
        error = (spec.mask_error or {}).get(str(axis), 0.0)
        if not error <= MAX_MEASURED_ERROR:
            raise ContextError(
                f"network {spec.name!r}: padding {axis!r} was measured to change the real steps by {error:.2g} of "
                f"their scale (the limit is {MAX_MEASURED_ERROR:g}), so it cannot run at the sizes "
                f"{list(axes[str(axis)])}; correct what the network does with its input {name!r} and package it again, "
                f"or leave {axis!r} out of the context's 'shapes'"
            )
    return frozenset(str(axis) for axis in masks if axis != "batch")


def restriction(spec: NetworkSpec, axes: FixedAxes) -> str:
    """Return why a network accepts some lengths only: an axis that it is given has no mask. Empty: it has.

    Longer input is cut into windows, or into parts of the text; shorter input has to be padded.
    """
    masked = {"batch", *masked_axes(spec, axes)}
    provided = {axis for name in spec.needs for axis in spec.inputs[name].shape}
    axis = next((axis for axis in axes if axis in provided - masked), None)
    if axis is None:
        return ""
    shorter = "other lengths" if spec.streaming is None else f"less than {axes[axis][0]}"
    return (
        f"network {spec.name!r}: the context fixes {axis!r} at {list(axes[axis])}, and the network has no mask for it, "
        f"so it could not run on {shorter}, as padding would change its output; leave {axis!r} out of the context's "
        "'shapes' (for this network at least, in 'networks'), or export the network with a mask"
    )


def output_axes(spec: NetworkSpec, axes: FixedAxes) -> dict[str, tuple[OutputAxis, ...]]:
    """Return, by output, the axes whose lengths follow from the inputs.

    :raises ContextError: for an axis of unknown length, while an input axis that it may follow is fixed.
    """
    fixed = [axis for axis in axes if axis != "batch"]
    found: dict[str, list[OutputAxis]] = {name: [] for name in spec.outputs}
    for name, tensor in spec.outputs.items():
        for position, axis in _named(tensor):
            length = spec.length(axis)
            if length is not None:
                found[name].append(OutputAxis(position, *length))
            elif fixed:
                lengths = f'"lengths": {{"{axis}": {{"axis": "{fixed[0]}", "times": ...}}}}'
                unknown = (
                    f"network {spec.name!r}: the context fixes {fixed}, and the length of the axis {axis!r} of its "
                    f"output {name!r} is unknown then; add {lengths} to the network in addon.json (its steps for each "
                    "step of the other axis), or leave these axes out of the context's 'shapes'"
                )
                raise ContextError(restriction(spec, axes) or unknown)
    return {name: tuple(of_output) for name, of_output in found.items()}


def tiling_axis(
    spec: NetworkSpec, context: Context, axes: FixedAxes, outputs: Mapping[str, tuple[OutputAxis, ...]]
) -> str | None:
    """Return the axis along which calls may be cut into windows, or None.

    It is the streaming axis of a windowed network all of whose outputs follow it.

    :raises ContextError: if the network carries state, or if no size is larger than the context that an output sees.
    """
    streaming = spec.streaming
    if streaming is None:
        return None
    if streaming.states:
        sizes = {axis: list(declared) for axis, declared in axes.items()}
        raise ContextError(
            f"network {spec.name!r}: it carries state from call to call, so its calls cannot be padded or cut to the "
            f"sizes {sizes}; give it a context of its own without them in 'networks'"
        )
    axis, around = streaming.axis, streaming.left + streaming.right
    if axis not in axes or not context.split:
        return None
    if any([output.axis for output in of_output].count(axis) != 1 for of_output in outputs.values()):
        return None
    if axes[axis][-1] <= around:
        raise ContextError(
            f"network {spec.name!r}: an output sees {streaming.left} {axis} before it and {streaming.right} after, so "
            f"windows need more than {around}, and the largest size is {axes[axis][-1]}; add a larger one to the "
            f"context's 'shapes', several times {around}"
        )
    return axis


def has_independent_rows(spec: NetworkSpec) -> bool:
    """Return whether a batch can be cut into rows and joined again.

    Every output has the rows first, and a row was not measured to depend on the others.
    """
    tensors = [*spec.inputs.values(), *spec.outputs.values()]
    separable = all("batch" not in tensor.shape[1:] for tensor in tensors) and all(
        tensor.batched for tensor in spec.outputs.values()
    )
    return separable and (spec.batch_error or 0.0) <= MAX_MEASURED_ERROR


def fixed_positions(tensor: Tensor, axes: FixedAxes) -> tuple[tuple[int, str], ...]:
    """Return (position, axis) of the fixed axes of an input."""
    return tuple((position, axis) for position, axis in _named(tensor) if axis in axes)


def _named(tensor: Tensor) -> Iterator[tuple[int, str]]:
    return ((position, axis) for position, axis in enumerate(tensor.shape) if isinstance(axis, str))
