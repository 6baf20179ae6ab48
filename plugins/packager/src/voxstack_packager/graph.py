"""An ONNX graph while it is written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from voxstack.networks import Tensor

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

END = np.iinfo(np.int64).max
"""Where a ``Slice`` ends that has no end."""


class Graph:
    """Operators in their order, and the constants that they take."""

    def __init__(self) -> None:
        self._nodes: list[NodeProto] = []
        self._constants: dict[str, Any] = {}
        self._equal: dict[object, str] = {}
        self._count = 0

    def constant(self, value: Any, dtype: str = "int64") -> str:
        """The name of a constant; equal ones are one."""
        from onnx import numpy_helper

        array = np.asarray(value, dtype)
        key = (array.tobytes(), array.shape, dtype)
        if key not in self._equal:
            self._equal[key] = name = self._new("constant")
            self._constants[name] = numpy_helper.from_array(array, name)
        return self._equal[key]

    def keep(self, tensor: Any) -> None:
        """Add a constant of another graph, under its own name."""
        self._constants[tensor.name] = tensor

    def add(self, kind: str, inputs: list[str], output: str | None = None, **attributes: Any) -> str:
        """Add an operator with one output, and return the name of that."""
        from onnx import helper

        made = output or self._new(kind.lower())
        self._nodes.append(helper.make_node(kind, inputs, [made], name=f"{made}.{kind.lower()}", **attributes))
        return made

    def copy(self, node: NodeProto, inputs: list[str]) -> NodeProto:
        """Add a copy of an operator with other inputs, and return it."""
        made = type(node)()
        made.CopyFrom(node)
        del made.input[:]
        made.input.extend(inputs)
        self._nodes.append(made)
        return made

    def slice(self, name: str, cuts: Mapping[int, tuple[int, int]], output: str | None = None) -> str:
        """``name[start:end]`` along axes."""
        starts, ends = ([cut[side] for cut in cuts.values()] for side in (0, 1))
        return self.add("Slice", [name, *map(self.constant, (starts, ends, list(cuts)))], output)

    def never_empty(self, name: str, place: int) -> None:
        """Let the convolution that makes ``name`` make one step too many, which is cut off: ONNX Runtime's take no empty input.

        :param place: which of its spatial axes follows the steps.
        """
        at, node = next((i, one) for i, one in enumerate(self._nodes) if name in one.output)
        node.output[0] = longer = self._new("longer")
        pads = next(attribute for attribute in node.attribute if attribute.name == "pads")
        pads.ints[place + len(pads.ints) // 2] += 1
        self.slice(longer, {place + 2: (0, -1)}, name)
        self._nodes.insert(at + 1, self._nodes.pop())

    def give(self, outputs: Mapping[str, str]) -> None:
        """Give tensors out under the names of outputs; others that have had these names get new ones."""
        taken = {name: self._new("inner") for name, tensor in outputs.items() if tensor != name}
        for names in (side for node in self._nodes for side in (node.input, node.output)):
            names[:] = [taken.get(name, name) for name in names]
        for name in taken:
            self.add("Identity", [taken.get(outputs[name], outputs[name])], name)

    def model(self, inputs: Mapping[str, Tensor], outputs: Mapping[str, Tensor], like: ModelProto) -> ModelProto:
        """The model that all this makes, of the versions of another, but of opset 15 at least: what is from 13 on means the same there."""
        import onnx
        from onnx import helper

        taken, given = ([_value_info(name, tensor) for name, tensor in side.items()] for side in (inputs, outputs))
        graph = helper.make_graph(self._nodes, "stateful", taken, given, [*self._constants.values()])
        versions = [
            helper.make_opsetid(one.domain, one.version if one.domain else max(15, one.version))
            for one in like.opset_import
        ]
        made = helper.make_model(graph, opset_imports=versions, ir_version=max(8, like.ir_version))
        onnx.checker.check_model(made)
        return made

    def _new(self, what: str) -> str:
        self._count += 1
        return f"stateful.{self._count}.{what}"


def _value_info(name: str, tensor: Tensor) -> Any:
    from onnx import helper

    return helper.make_tensor_value_info(
        name, helper.np_dtype_to_tensor_dtype(np.dtype(tensor.dtype)), list(tensor.shape)
    )
