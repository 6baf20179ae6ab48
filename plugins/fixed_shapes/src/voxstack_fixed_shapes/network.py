"""A network of any length around one that runs only at a few sizes."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np

from voxstack import NetworkError
from voxstack.networks import Context, NetworkSpec, Runner
from voxstack.networks.sizes import axis_position, combinations, fixed_axes, free_axes
from voxstack_fixed_shapes.axes import fixed_positions, output_axes, restriction
from voxstack_fixed_shapes.counters import PaddingCounters
from voxstack_fixed_shapes.padding import padded, zero_padded_axes
from voxstack_fixed_shapes.plans import Plan, Planner, Run

Arrays = Mapping[str, np.ndarray]


class FixedShapesNetwork:
    """Accepts calls of any length, and runs the network at the sizes that a context declares, and at no others.

    The result is the one that the network would compute for the unchanged call: a call is padded only where the network
    has a mask, cut into windows only where it is windowed and with all the context that its outputs see, and refused
    otherwise. Rows of a batch run separately where no size holds all of them. Each combination of sizes runs once when
    the network is opened, so that the runtime has compiled and planned everything by then; but not where an axis is
    left free, as its size is unknown.

    :param network: runs at the declared sizes.
    :raises ContextError: if that could not be exact for this network in this context.
    :raises NetworkError: if the first run at a size fails.
    """

    fixed_shapes = True

    def __init__(self, network: Runner, spec: NetworkSpec, context: Context) -> None:
        self._network, self._spec = network, spec
        self._axes = fixed_axes(spec, context)
        self._output_axes = output_axes(spec, self._axes)
        planner = Planner(spec, context, self._axes, self._output_axes)
        self._tiling_axis = planner.tiling_axis
        self._plan = functools.lru_cache(1024)(planner)
        self._axis_positions = [axis_position(spec, axis) for axis in self._axes]
        self._fixed_positions = {name: fixed_positions(tensor, self._axes) for name, tensor in spec.inputs.items()}
        self._zero_axes = {name: zero_padded_axes(tensor) for name, tensor in spec.inputs.items()}
        self._masks = [name for name, tensor in spec.inputs.items() if tensor.mask]
        self.restriction = restriction(spec, self._axes)
        """Why it accepts some lengths only; blocks that need any refuse it when they are loaded."""
        self._counters = PaddingCounters(self._axes)
        self._warmed = 0 if free_axes(spec, context) else self._warm_up()

    def __call__(self, **tensors: np.ndarray) -> Mapping[str, np.ndarray]:
        """Run once, for arrays of any length. Outputs may be views.

        :raises NetworkError: for a length that the declared sizes cannot compute exactly, stating which can be, and
            why.
        """
        if len(tensors) < len(self._spec.inputs):
            tensors = self._with_masks(tensors)
        lengths = tuple(tensors[name].shape[position] for name, position in self._axis_positions)
        if 0 in lengths:
            return self._empty(tensors)
        plan = self._plan(lengths)
        outputs = self._network(**tensors) if plan.exact else self._run_plan(tensors, plan)
        self._counters.add(plan)
        return outputs

    @property
    def effective(self) -> Mapping[str, Any]:
        """``shapes``: the only sizes that run, by axis."""
        return {"shapes": self._axes}

    @property
    def stats(self) -> Mapping[str, Any]:
        """Counters since the network was opened.

        ``calls``, the ``runs`` that they took, and ``sizes``: the number of runs by their sizes; by axis, under
        ``axes``, the ``real`` steps of the calls in all rows, those ``computed``, and among these ``padding`` and steps
        ``recomputed`` around seams, and the ``waste``, ``1 - real / computed``; ``waste`` of all axes together;
        ``warmed``: combinations that ran when the network was opened, which count nowhere else.
        """
        return {**self._counters.snapshot(), "warmed": self._warmed}

    def _run_plan(self, tensors: Arrays, plan: Plan) -> Mapping[str, np.ndarray]:
        rows = []
        for windows in plan.rows:
            parts = [self._kept(self._network(**self._inputs(tensors, run)), run) for run in windows]
            rows.append(parts[0] if len(parts) == 1 else self._joined(parts))
        if len(rows) == 1:
            return rows[0]
        return {name: np.concatenate([row[name] for row in rows]) for name in rows[0]}

    def _inputs(self, tensors: Arrays, run: Run) -> dict[str, np.ndarray]:
        """Return the inputs of one run: each array cut, and padded to the sizes of the run."""
        inputs = {}
        for name, array in tensors.items():
            index, shape = [slice(None)] * array.ndim, list(array.shape)
            for position, axis in self._fixed_positions[name]:
                tile = run[axis]
                index[position], shape[position] = slice(tile.start, tile.start + tile.size), tile.size
            part = array[tuple(index)]
            inputs[name] = part if part.shape == tuple(shape) else padded(part, shape, self._zero_axes[name])
        return inputs

    def _kept(self, outputs: Arrays, run: Run) -> dict[str, np.ndarray]:
        """Return the part of the outputs of one run that is kept."""
        kept = {}
        for name, array in outputs.items():
            index = [slice(None)] * array.ndim
            for position, axis, times in self._output_axes[name]:
                tile = run.get(axis)
                if tile is None:
                    continue
                if array.shape[position] != tile.size * times:
                    raise NetworkError(
                        f"network {self._spec.name!r}: output {name!r} has the shape {array.shape} for {tile.size} "
                        f"{axis}; its axis {position} should be {tile.size * times}: correct 'lengths' or 'hop' of the "
                        "network in addon.json"
                    )
                index[position] = slice((tile.first - tile.start) * times, (tile.last - tile.start) * times)
            kept[name] = array[tuple(index)]
        return kept

    def _joined(self, parts: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
        positions = {
            name: next(position for position, axis, _ in of_output if axis == self._tiling_axis)
            for name, of_output in self._output_axes.items()
        }
        return {name: np.concatenate([part[name] for part in parts], axis=at) for name, at in positions.items()}

    def _with_masks(self, tensors: Arrays) -> dict[str, np.ndarray]:
        """Return the arrays, and ones for each missing mask."""
        sizes = self._sizes(tensors)
        ones = {name: self._filled(name, sizes, 1) for name in self._masks if name not in tensors}
        return {**tensors, **ones}

    def _empty(self, tensors: Arrays) -> dict[str, np.ndarray]:
        """Return the outputs for zero steps, without a run."""
        sizes = self._sizes(tensors)
        outputs = {}
        for name, tensor in self._spec.outputs.items():
            shape = [axis if isinstance(axis, int) else -1 for axis in tensor.shape]
            for position, axis, times in self._output_axes[name]:
                shape[position] = sizes[axis] * times
            if 0 not in shape or -1 in shape:
                empty = [axis for axis in self._axes if sizes[axis] == 0]
                raise NetworkError(
                    f"network {self._spec.name!r}: the call has no {empty}, and its output {name!r} cannot be computed "
                    "from nothing; pass at least one step"
                )
            outputs[name] = np.zeros(shape, tensor.dtype)
        return outputs

    def _warm_up(self) -> int:
        """Run every combination of sizes once, and return their number."""
        combined = combinations(self._axes)
        for sizes in combined:
            inputs = {name: self._filled(name, sizes, int(name in self._masks)) for name in self._spec.inputs}
            try:
                self._network(**inputs)
            except Exception as error:
                raise NetworkError(
                    f"network {self._spec.name!r}: its first run at the sizes {sizes} failed: {error}"
                ) from error
        return len(combined)

    def _filled(self, name: str, sizes: Mapping[str, int], value: int) -> np.ndarray:
        tensor = self._spec.inputs[name]
        return np.full([sizes[axis] if isinstance(axis, str) else axis for axis in tensor.shape], value, tensor.dtype)

    def _sizes(self, tensors: Arrays) -> dict[str, int]:
        """Return the lengths of all named axes of the arrays."""
        shapes = ((self._spec.inputs[name].shape, array.shape) for name, array in tensors.items())
        return {
            axis: size
            for named, shape in shapes
            for axis, size in zip(named, shape, strict=True)
            if isinstance(axis, str)
        }
