"""A network around another that runs at a few sizes only."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np

from voxstack import NetworkError
from voxstack.networks import Context, NetworkSpec, Runner, Tensor
from voxstack.networks.sizes import combinations, fixed_axes, free_axes
from voxstack_fixed_shapes.axes import made_axes, places
from voxstack_fixed_shapes.counts import Counts
from voxstack_fixed_shapes.plans import Plan, Planner, Run

Arrays = Mapping[str, np.ndarray]


class FixedShapesNetwork:
    """Takes calls of any length, and runs the network at the sizes that a context declares, and at no others.

    What comes out is what the network would give for the call as it is: a call is padded only where the network has a mask, cut into
    windows only where it is windowed and with all the context that its outputs see, and refused otherwise. Rows of a batch run
    apart where there is no size for all of them. Each combination of sizes is run once when it is opened, so that whatever a
    runtime compiles or plans at a first call is done by then; but not where an axis is left free, as nobody knows its size.

    :param network: what runs at the declared sizes.
    :raises ContextError: if that could not be exact for this network in this context.
    :raises NetworkError: if the first run at a size fails.
    """

    fixed_shapes = True

    def __init__(self, network: Runner, spec: NetworkSpec, context: Context) -> None:
        self._network, self._spec = network, spec
        self._axes = fixed_axes(spec, context)
        self._made = made_axes(spec, self._axes)
        planner = Planner(spec, context, self._axes, self._made)
        self._cut = planner.cut
        self._plan = functools.lru_cache(1024)(planner)
        self._where = [_place(spec, axis) for axis in self._axes]
        self._places = {name: places(tensor, self._axes) for name, tensor in spec.inputs.items()}
        self._zeroed = {name: _zeroed(tensor) for name, tensor in spec.inputs.items()}
        self._masks = [name for name, tensor in spec.inputs.items() if tensor.mask]
        self._counts = Counts(self._axes)
        self._warmed = 0 if free_axes(spec, context) else self._warm_up()

    def __call__(self, **tensors: np.ndarray) -> Mapping[str, np.ndarray]:
        """Run once, for arrays of any length. Outputs may be views.

        :raises NetworkError: for a length that cannot be had exactly with the declared sizes; the message says which can, and why.
        """
        if len(tensors) < len(self._places):
            tensors = self._with_masks(tensors)
        lengths = tuple(tensors[name].shape[place] for name, place in self._where)
        if 0 in lengths:
            return self._nothing(tensors)
        plan = self._plan(lengths)
        made = self._network(**tensors) if plan.exact else self._made_up(tensors, plan)
        self._counts.count(plan)
        return made

    @property
    def effective(self) -> Mapping[str, Any]:
        """``shapes``: the only sizes that are run, by axis."""
        return {"shapes": self._axes}

    @property
    def stats(self) -> Mapping[str, Any]:
        """What was done so far.

        ``calls``, the ``runs`` that they took, and ``sizes``: how many of them at which sizes; by axis, under ``axes``, the ``real``
        steps of the calls in all rows, those ``computed``, and among these ``padding`` and what was ``recomputed`` around seams,
        and the ``waste``, ``1 - real / computed``; ``waste`` of all axes together; ``warmed``: combinations that ran when it was
        opened, which count nowhere else.
        """
        return {**self._counts.told(), "warmed": self._warmed}

    def _made_up(self, tensors: Arrays, plan: Plan) -> Mapping[str, np.ndarray]:
        rows = []
        for windows in plan.rows:
            parts = [self._trimmed(self._network(**self._taken(tensors, run)), run) for run in windows]
            rows.append(parts[0] if len(parts) == 1 else self._joined(parts))
        if len(rows) == 1:
            return rows[0]
        return {name: np.concatenate([row[name] for row in rows]) for name in rows[0]}

    def _taken(self, tensors: Arrays, run: Run) -> dict[str, np.ndarray]:
        """What one run takes of each array: cut, and padded to its sizes."""
        taken = {}
        for name, array in tensors.items():
            index, shape = [slice(None)] * array.ndim, list(array.shape)
            for place, axis in self._places[name]:
                part = run[axis]
                index[place], shape[place] = slice(part.start, part.start + part.size), part.size
            piece = array[tuple(index)]
            taken[name] = piece if piece.shape == tuple(shape) else _padded(piece, shape, self._zeroed[name])
        return taken

    def _trimmed(self, made: Arrays, run: Run) -> dict[str, np.ndarray]:
        """What of the outputs of one run is given out."""
        trimmed = {}
        for name, array in made.items():
            index = [slice(None)] * array.ndim
            for place, axis, times in self._made[name]:
                part = run.get(axis)
                if part is None:
                    continue
                if array.shape[place] != part.size * times:
                    raise NetworkError(
                        f"network {self._spec.name!r}: output {name!r} has the shape {array.shape} for {part.size} {axis}; its axis "
                        f"{place} should be {part.size * times}: correct 'lengths' or 'hop' of the network in addon.json"
                    )
                index[place] = slice((part.first - part.start) * times, (part.last - part.start) * times)
            trimmed[name] = array[tuple(index)]
        return trimmed

    def _joined(self, parts: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
        along = {name: next(place for place, axis, _ in made if axis == self._cut) for name, made in self._made.items()}
        return {name: np.concatenate([part[name] for part in parts], axis=place) for name, place in along.items()}

    def _with_masks(self, tensors: Arrays) -> dict[str, np.ndarray]:
        """The arrays, and ones for each mask that is not among them."""
        sizes = self._sizes(tensors)
        ones = {name: self._filled(name, sizes, 1) for name in self._masks if name not in tensors}
        return {**tensors, **ones}

    def _nothing(self, tensors: Arrays) -> dict[str, np.ndarray]:
        """The outputs for no steps at all, for which nothing is run."""
        sizes = self._sizes(tensors)
        nothing = {}
        for name, tensor in self._spec.outputs.items():
            shape = [axis if isinstance(axis, int) else -1 for axis in tensor.shape]
            for place, axis, times in self._made[name]:
                shape[place] = sizes[axis] * times
            if 0 not in shape or -1 in shape:
                none = [axis for axis in self._axes if sizes[axis] == 0]
                raise NetworkError(
                    f"network {self._spec.name!r}: was given no {none}, and its output {name!r} cannot be made of nothing"
                )
            nothing[name] = np.zeros(shape, tensor.dtype)
        return nothing

    def _warm_up(self) -> int:
        """Run every combination of sizes once."""
        warmed = combinations(self._axes)
        for sizes in warmed:
            try:
                self._network(
                    **{name: self._filled(name, sizes, int(name in self._masks)) for name in self._spec.inputs}
                )
            except Exception as error:
                raise NetworkError(
                    f"network {self._spec.name!r}: its first run at the sizes {sizes} failed: {error}"
                ) from error
        return len(warmed)

    def _filled(self, name: str, sizes: Mapping[str, int], value: int) -> np.ndarray:
        tensor = self._spec.inputs[name]
        return np.full([sizes[axis] if isinstance(axis, str) else axis for axis in tensor.shape], value, tensor.dtype)

    def _sizes(self, tensors: Arrays) -> dict[str, int]:
        """Lengths of all named axes of what was given."""
        shapes = ((self._spec.inputs[name].shape, array.shape) for name, array in tensors.items())
        return {
            axis: size
            for named, shape in shapes
            for axis, size in zip(named, shape, strict=True)
            if isinstance(axis, str)
        }


def _padded(array: np.ndarray, shape: list[int], zeroed: frozenset[int]) -> np.ndarray:
    """The array, made longer to ``shape``: by zeros along the axes ``zeroed``, and by its last step along the others."""
    padded = np.zeros(shape, array.dtype)
    padded[tuple(slice(size) for size in array.shape)] = array
    for place, (size, wanted) in enumerate(zip(array.shape, shape, strict=True)):
        if size < wanted and place not in zeroed:
            before = (slice(None),) * place
            padded[(*before, slice(size, None))] = padded[(*before, slice(size - 1, size))]
    return padded


def _zeroed(tensor: Tensor) -> frozenset[int]:
    """The axes of an input that are padded with zeros: that is what a mask was measured with, and what marks steps in a mask.

    Rows of a batch are repeated instead, and so is what a mask has beside its last axis: where all of a row was masked, a network might
    divide by nothing.
    """
    last = len(tensor.shape) - 1
    return (
        frozenset({last})
        if tensor.mask
        else frozenset(place for place, axis in enumerate(tensor.shape) if axis != "batch")
    )


def _place(spec: NetworkSpec, axis: str) -> tuple[str, int]:
    """An input that a caller gives that has this axis, and where."""
    found = [
        (tensor.mask, name, tensor.shape.index(axis)) for name, tensor in spec.inputs.items() if axis in tensor.shape
    ]
    return min(found)[1:]
