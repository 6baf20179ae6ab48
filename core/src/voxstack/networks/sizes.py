"""Fixed sizes: the axes of a network that a context fixes, and networks compiled for each size.

A runtime compiles exactly these sizes and accepts no others; the ``fixed_shapes`` plugin wraps it and accepts any.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from voxstack.errors import ContextError, NetworkError
from voxstack_addon_spec import Context, NetworkSpec

if TYPE_CHECKING:
    from voxstack.networks import Network, Runner


def fixed_axes(spec: NetworkSpec, context: Context) -> dict[str, tuple[int, ...]]:
    """Return the axes of a network's inputs that a context fixes, each with its sizes, ascending.

    Hardware that needs one axis fixed also needs the batch fixed: it is 1 unless the context says otherwise. Empty for
    a network that has none of the axes in ``context.shapes``: any length is accepted.
    """
    own = _named(spec)
    if not any(axis in context.shapes for axis in own):
        return {}
    sizes = {"batch": (1,), **context.shapes}
    return {axis: tuple(sorted(sizes[axis])) for axis in own if axis in sizes}


def free_axes(spec: NetworkSpec, context: Context) -> list[str]:
    """Return the named axes of a network's inputs that a context leaves free."""
    fixed = fixed_axes(spec, context)
    return [axis for axis in _named(spec) if axis not in fixed]


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


def combinations(axes: Mapping[str, tuple[int, ...]]) -> list[dict[str, int]]:
    """Return every combination of sizes, the least work first."""
    combined = [dict(zip(axes, sizes, strict=True)) for sizes in itertools.product(*axes.values())]
    return sorted(combined, key=lambda sizes: math.prod(sizes.values()))


def limits_of(network: Network) -> dict[str, int]:
    """Return the most steps that a network of fixed sizes accepts of each utterance entry it reads.

    Empty where its context does not allow longer input to be cut: the network then refuses it.
    """
    spec, context = network.spec, network.context
    if not context.split or (spec.streaming and not spec.streaming.states):
        return {}
    fixed = fixed_axes(spec, context)
    limits = {}
    for name in spec.needs:
        tensor = spec.inputs[name]
        steps = tensor.shape[1 if tensor.batched else 0 :][:1]
        if steps and steps[0] in fixed:
            limits[name] = fixed[str(steps[0])][-1]
    return limits


class PerSize:
    """A network compiled, when it is opened, for each size that its context declares.

    :param compile: returns the runner for one size of each fixed axis.
    :raises ContextError: if the context fixes no axis of this network.
    """

    def __init__(self, spec: NetworkSpec, context: Context, compile: Callable[[Mapping[str, int]], Runner]) -> None:
        self._spec, self._axes = spec, fixed_axes(spec, context)
        if not self._axes:
            raise ContextError(f"network {spec.name!r}: the context fixes none of its axes {_named(spec)}")
        self._positions = [axis_position(spec, axis) for axis in self._axes]
        self._runs = {tuple(sizes.values()): compile(sizes) for sizes in combinations(self._axes)}

    def __call__(self, **tensors: np.ndarray) -> Mapping[str, np.ndarray]:
        """Run at the sizes of the tensors.

        :raises NetworkError: for undeclared sizes.
        """
        key = tuple(tensors[name].shape[position] for name, position in self._positions)
        run = self._runs.get(key)
        if run is None:
            requested = dict(zip(self._axes, key, strict=True))
            declared = {axis: list(sizes) for axis, sizes in self._axes.items()}
            raise NetworkError(
                f"network {self._spec.name!r}: compiled for the sizes {declared}, and asked for {requested}; "
                "the plugin voxstack-fixed-shapes fits any length to declared sizes, or declare this one in the context's 'shapes'"
            )
        return run(**tensors)

    @property
    def stats(self) -> Mapping[str, Any]:
        """Counters: ``compilations``, all of which happened when the network was opened."""
        return {"compilations": len(self._runs)}

    @property
    def effective(self) -> Mapping[str, Any]:
        """The report of its runners, with the sizes."""
        return {**getattr(next(iter(self._runs.values())), "effective", {}), "shapes": self._axes}


def _named(spec: NetworkSpec) -> list[str]:
    return list(
        dict.fromkeys(axis for tensor in spec.inputs.values() for axis in tensor.shape if isinstance(axis, str))
    )


def axis_position(spec: NetworkSpec, axis: str) -> tuple[str, int]:
    """Return an input that has a named axis, and the position of the axis in its shape."""
    return next((name, tensor.shape.index(axis)) for name, tensor in spec.inputs.items() if axis in tensor.shape)
