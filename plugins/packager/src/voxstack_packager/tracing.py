"""What every tensor of an ONNX graph is, found by running the graph with inputs of several sizes.

Shape inference cannot follow what exporters make of sizes (``Shape``, ``Gather``, ``Concat``, ``Reshape``); a run can.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from voxstack_packager.errors import NoStatefulForm, PackagingError
from voxstack_packager.measure import MakeExamples
from voxstack_packager.signature import Signed, sizes_of

if TYPE_CHECKING:
    from onnx import ModelProto

RUNS = ((2, 37), (2, 53), (3, 37))
"""Batch and steps of each run: a pair differs in the steps alone, and a pair in the batch alone."""


class Trace:
    """The values of all tensors of a graph in a few runs that differ in the batch or in the steps of one axis.

    :param examples: makes inputs of given sizes; masks are ones.
    :param axis: the axis that is a stream.
    :param where: what to call the network in errors.
    :raises PackagingError: if the graph does not run at one of the sizes.
    """

    def __init__(self, model: ModelProto, signed: Signed, examples: MakeExamples, axis: str, where: str) -> None:
        self._where = where
        every = [name for node in model.graph.node for name in node.output if name]
        run = _opened(model, every)
        self._runs: list[dict[str, np.ndarray]] = []
        constants = _constants(model)
        for batch, steps in RUNS:
            inputs = dict(examples(sizes_of(signed, **{"batch": batch, axis: steps}), 0))
            try:
                made = run(inputs)
            except Exception as error:  # ONNX Runtime's own have no class in common
                raise PackagingError(
                    where, f"the graph does not run with a batch of {batch} and {steps} steps ({error})"
                ) from error
            self._runs.append({**constants, **inputs, **made})

    def values(self, name: str) -> list[np.ndarray]:
        """The tensor in each of :data:`RUNS`."""
        return [run[name] for run in self._runs]

    def shape(self, name: str) -> tuple[int, ...]:
        """Its shape in the first run."""
        return self._runs[0][name].shape

    def time(self, name: str) -> int | None:
        """Which axis follows the steps.

        :raises NoStatefulForm: if more than one does, as in the scores of attention.
        """
        return self._following(name, 1)

    def batch(self, name: str) -> int | None:
        """Which axis follows the batch."""
        return self._following(name, 2)

    def same(self, name: str) -> bool:
        """Whether the tensor is the same in all runs."""
        first, *others = self.values(name)
        return all(np.array_equal(first, other) for other in others)

    def uniform(self, name: str) -> np.ndarray | None:
        """The tensor with one step and one row, where all of them are the same in all runs; None where they are not."""
        axes = [axis for axis in {self.time(name), self.batch(name)} if axis is not None]
        short = self.values(name)[0]
        for axis in axes:
            short = np.take(short, [0], axis)
        return short if all(np.array_equal(np.broadcast_to(short, x.shape), x) for x in self.values(name)) else None

    def _following(self, name: str, other: int) -> int | None:
        one, two = self._runs[0][name].shape, self._runs[other][name].shape
        found = [i for i, (a, b) in enumerate(zip(one, two, strict=False)) if a != b]
        if len(one) != len(two) or len(found) > 1:
            raise NoStatefulForm(
                self._where, f"more than one axis of the tensor {name!r} follows one size: {one} and {two}"
            )
        return found[0] if found else None


def reached(model: ModelProto, inputs: set[str]) -> tuple[set[str], set[str]]:
    """Tensors that depend on the data of these inputs; and those that depend on weights alone. Sizes are no data."""
    streamed, pure = set(inputs), {tensor.name for tensor in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type not in ("Shape", "Size") and any(name in streamed for name in node.input):
            streamed.update(node.output)
        elif all(name in pure for name in node.input if name):
            pure.update(node.output)
    return streamed, pure


def _opened(model: ModelProto, names: list[str]) -> Any:
    """A function of inputs by name that gives all these tensors by name."""
    import onnxruntime
    from onnx import ModelProto, ValueInfoProto

    shown = ModelProto()
    shown.CopyFrom(model)
    known = {value.name for value in model.graph.output}
    shown.graph.output.extend(ValueInfoProto(name=name) for name in names if name not in known)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL  # tensors keep their names
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(shown.SerializeToString(), options, providers=["CPUExecutionProvider"])

    def run(inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        return dict(zip(names, session.run(names, dict(inputs)), strict=True))

    return run


def _constants(model: ModelProto) -> dict[str, np.ndarray]:
    from onnx import numpy_helper

    return {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
