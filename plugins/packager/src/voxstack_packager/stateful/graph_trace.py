"""Shapes and values of every tensor of an ONNX graph, found by running the graph with inputs of several sizes.

Shape inference cannot follow what exporters do with sizes (``Shape``, ``Gather``, ``Concat``, ``Reshape``); a run can.
"""

from __future__ import annotations

from collections.abc import Callable, Set
from typing import TYPE_CHECKING

import numpy as np

from voxstack_packager.errors import NoStatefulForm, PackagingError
from voxstack_packager.runners import import_onnxruntime
from voxstack_packager.signature import Arrays, MakeExamples, SignatureLike, default_sizes

if TYPE_CHECKING:
    from onnx import ModelProto

RUNS = ((2, 37), (2, 53), (3, 37))
"""Batch and steps of each run: two runs differ in the steps alone, and two in the batch alone."""


class GraphTrace:
    """The values of all tensors of a graph in a few runs that differ in the batch or in the steps of one axis.

    :param examples: returns inputs of the sizes that it receives; masks are ones.
    :param axis: the axis that is a stream.
    :param where: name of the network in errors.
    :raises PackagingError: if the graph does not run at one of the sizes.
    """

    def __init__(
        self, model: ModelProto, signature: SignatureLike, examples: MakeExamples, axis: str, where: str
    ) -> None:
        self._where = where
        run = _open(model, [name for node in model.graph.node for name in node.output if name])
        self._runs: list[dict[str, np.ndarray]] = []
        constants = _constants(model)
        for batch, steps in RUNS:
            inputs = dict(examples(default_sizes(signature, **{"batch": batch, axis: steps}), 0))
            try:
                tensors = run(inputs)
            except Exception as error:  # the errors of ONNX Runtime have no class in common
                problem = f"the graph does not run with a batch of {batch} and {steps} steps ({error})"
                raise PackagingError(where, problem) from error
            self._runs.append({**constants, **inputs, **tensors})

    def values(self, name: str) -> list[np.ndarray]:
        """Return the tensor in each of :data:`RUNS`."""
        return [run[name] for run in self._runs]

    def first(self, name: str) -> np.ndarray:
        """Return the tensor in the first run."""
        return self._runs[0][name]

    def shape(self, name: str) -> tuple[int, ...]:
        """Return the shape of the tensor in the first run."""
        return self._runs[0][name].shape

    def time_axis(self, name: str) -> int | None:
        """Return the position of the axis whose size follows the number of steps.

        :raises NoStatefulForm: if more than one does, as in the scores of attention.
        """
        return self._following_axis(name, 1)

    def rate(self, name: str) -> int:
        """Return the steps of a tensor for each step of the input: more than 1 after an upsampling.

        :raises NoStatefulForm: if that is no whole number.
        """
        axis = self.time_axis(name)
        assert axis is not None, "a stream has a time axis"
        steps = self._runs[1][name].shape[axis] - self._runs[0][name].shape[axis]
        rate: int = steps // (RUNS[1][1] - RUNS[0][1])
        if rate < 1 or steps % (RUNS[1][1] - RUNS[0][1]):
            raise NoStatefulForm(self._where, f"{RUNS[1][1] - RUNS[0][1]} more steps give {steps} more of {name!r}")
        return rate

    def batch_axis(self, name: str) -> int | None:
        """Return the position of the axis whose size follows the batch."""
        return self._following_axis(name, 2)

    def is_constant(self, name: str) -> bool:
        """Return whether the tensor is the same in all runs."""
        first, *others = self.values(name)
        return all(np.array_equal(first, other) for other in others)

    def uniform_value(self, name: str) -> np.ndarray | None:
        """Return the tensor with one step and one row; None unless all steps and rows of all runs are the same."""
        axes = [axis for axis in {self.time_axis(name), self.batch_axis(name)} if axis is not None]
        short = self.first(name)
        for axis in axes:
            short = np.take(short, [0], axis)
        values = self.values(name)
        return short if all(np.array_equal(np.broadcast_to(short, value.shape), value) for value in values) else None

    def _following_axis(self, name: str, other: int) -> int | None:
        """Return the position of the axis whose size differs between the first run and another."""
        shape, other_shape = self._runs[0][name].shape, self._runs[other][name].shape
        found = [i for i, (size, size2) in enumerate(zip(shape, other_shape, strict=False)) if size != size2]
        if len(shape) != len(other_shape) or len(found) > 1:
            problem = f"more than one axis of the tensor {name!r} follows one size: {shape} and {other_shape}"
            raise NoStatefulForm(self._where, problem)
        return found[0] if found else None


def data_dependence(model: ModelProto, inputs: Set[str]) -> tuple[set[str], set[str]]:
    """Return the tensors that depend on the data of these inputs, and those that depend on weights alone.

    The size of a tensor is not part of its data.
    """
    dependent, weights = set(inputs), {tensor.name for tensor in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type not in ("Shape", "Size") and any(name in dependent for name in node.input):
            dependent.update(node.output)
        elif all(name in weights for name in node.input if name):
            weights.update(node.output)
    return dependent, weights


def _open(model: ModelProto, names: list[str]) -> Callable[[Arrays], dict[str, np.ndarray]]:
    """Return a function of inputs by name that returns all these tensors by name."""
    from onnx import ModelProto, ValueInfoProto

    onnxruntime, traced = import_onnxruntime(), ModelProto()
    traced.CopyFrom(model)
    outputs = {value.name for value in model.graph.output}
    traced.graph.output.extend(ValueInfoProto(name=name) for name in names if name not in outputs)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL  # tensors keep their names
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(traced.SerializeToString(), options, providers=["CPUExecutionProvider"])

    def run(inputs: Arrays) -> dict[str, np.ndarray]:
        return dict(zip(names, session.run(names, dict(inputs)), strict=True))

    return run


def _constants(model: ModelProto) -> dict[str, np.ndarray]:
    from onnx import numpy_helper

    return {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
