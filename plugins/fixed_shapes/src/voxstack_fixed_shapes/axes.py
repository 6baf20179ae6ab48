"""What may be done along each axis of a network that a context fixes, as the network's spec says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from voxstack import ContextError
from voxstack.networks import Context, NetworkSpec, Tensor

MOST_ERROR = 1e-5
"""How far padded may have been measured to be from unpadded, of its scale; and a row in a batch from the row alone."""


class Made(NamedTuple):
    """One axis of an output: its place in the array, and the input axis and the factor that give its length."""

    place: int
    axis: str
    times: int


def masked_axes(spec: NetworkSpec, axes: Mapping[str, tuple[int, ...]]) -> frozenset[str]:
    """Fixed axes along which padding is exact: they have a mask, which belongs to its last axis.

    :raises ContextError: for a mask that was measured not to make padding exact.
    """
    masks = {tensor.shape[-1]: name for name, tensor in spec.inputs.items() if tensor.mask and tensor.shape[-1] in axes}
    for axis, name in masks.items():
        error = (spec.mask_error or {}).get(str(axis), 0.0)
        if not error <= MOST_ERROR:
            raise ContextError(
                f"network {spec.name!r}: padding {axis!r} was measured to change what is real by {error:.2g} of its scale (allowed is "
                f"{MOST_ERROR:g}), so it cannot keep to the sizes {list(axes[str(axis)])}; correct what the network does with its input "
                f"{name!r} and package it again, or leave {axis!r} out of the context's 'shapes'"
            )
    return frozenset(str(axis) for axis in masks if axis != "batch")


def made_axes(spec: NetworkSpec, axes: Mapping[str, tuple[int, ...]]) -> dict[str, tuple[Made, ...]]:
    """The axes of each output whose lengths follow from the inputs.

    :raises ContextError: for an axis whose length is unknown, while that of an input axis that it may come from is fixed.
    """
    fixed = [axis for axis in axes if axis != "batch"]
    made: dict[str, list[Made]] = {name: [] for name in spec.outputs}
    for name, tensor in spec.outputs.items():
        for place, axis in _named(tensor):
            length = spec.length(axis)
            if length is not None:
                made[name].append(Made(place, *length))
            elif fixed:
                raise ContextError(
                    f"network {spec.name!r}: the context fixes {fixed}, and nothing says how long the axis {axis!r} of its output {name!r} "
                    f'is then; add "lengths": {{"{axis}": {{"axis": "{fixed[0]}", "times": ...}}}} to the network in addon.json '
                    "(steps of it for each of the other's), or leave these axes out of the context's 'shapes'"
                )
    return {name: tuple(found) for name, found in made.items()}


def cut_axis(
    spec: NetworkSpec, context: Context, axes: Mapping[str, tuple[int, ...]], made: Mapping[str, tuple[Made, ...]]
) -> str | None:
    """The axis along which calls may be cut into windows: that of a windowed network all of whose outputs follow it.

    :raises ContextError: if the network carries state; or if no size is larger than what an output sees around it.
    """
    streaming = spec.streaming
    if streaming is None:
        return None
    if streaming.states:
        raise ContextError(
            f"network {spec.name!r}: it carries state from call to call, so its calls cannot be padded or cut to the sizes "
            f"{ {axis: list(sizes) for axis, sizes in axes.items()} }; give it a context of its own without them in 'networks'"
        )
    axis, around = streaming.axis, streaming.left + streaming.right
    if axis not in axes or not context.split:
        return None
    if any([a.axis for a in along].count(axis) != 1 for along in made.values()):
        return None
    if axes[axis][-1] <= around:
        raise ContextError(
            f"network {spec.name!r}: an output sees {streaming.left} {axis} before it and {streaming.right} after, so windows need more "
            f"than {around}, and the largest size is {axes[axis][-1]}; give a larger one in the context's 'shapes', several times {around}"
        )
    return axis


def has_rows_apart(spec: NetworkSpec) -> bool:
    """Whether rows of a batch can be parted and joined: each output has them first, and they were not measured to mix."""
    tensors = [*spec.inputs.values(), *spec.outputs.values()]
    apart = all("batch" not in tensor.shape[1:] for tensor in tensors) and all(
        tensor.batched for tensor in spec.outputs.values()
    )
    return apart and (spec.batch_error or 0.0) <= MOST_ERROR


def places(tensor: Tensor, axes: Mapping[str, tuple[int, ...]]) -> tuple[tuple[int, str], ...]:
    """(place, axis) of the fixed axes of an input."""
    return tuple((place, axis) for place, axis in _named(tensor) if axis in axes)


def _named(tensor: Tensor) -> Iterator[tuple[int, str]]:
    return ((place, axis) for place, axis in enumerate(tensor.shape) if isinstance(axis, str))
