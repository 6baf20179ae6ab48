"""An ONNX graph that is being written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from voxstack.networks import Tensor
from voxstack_packager.needed_nodes import needed_nodes

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto

END = np.iinfo(np.int64).max
"""The end of a ``Slice`` that goes on to the last step."""

OLDEST_OPSET, OLDEST_IR_VERSION = 15, 8


class GraphWriter:
    """Writes operators in their order, and the constants that they read."""

    def __init__(self) -> None:
        self._nodes: list[NodeProto] = []
        self._constants: dict[str, TensorProto] = {}
        self._constant_names: dict[object, str] = {}
        self._count = 0

    def constant(self, value: Any, dtype: str = "int64") -> str:
        """Return the name of a constant; equal constants are written once."""
        from onnx import numpy_helper

        array = np.asarray(value, dtype)
        key = (array.tobytes(), array.shape, dtype)
        if key not in self._constant_names:
            self._constant_names[key] = name = self.new_name("constant")
            self._constants[name] = numpy_helper.from_array(array, name)
        return self._constant_names[key]

    def add_constant(self, tensor: TensorProto) -> None:
        """Add a constant of another graph, under its own name."""
        self._constants[tensor.name] = tensor

    def add(self, kind: str, inputs: list[str], output: str | None = None, **attributes: Any) -> str:
        """Add an operator with one output, and return the name of that output."""
        from onnx import helper

        name = output or self.new_name(kind.lower())
        self._nodes.append(helper.make_node(kind, inputs, [name], name=f"{name}.{kind.lower()}", **attributes))
        return name

    def copy(self, node: NodeProto, inputs: list[str]) -> NodeProto:
        """Add a copy of an operator with other inputs, and return the copy."""
        result = type(node)()
        result.CopyFrom(node)
        del result.input[:]
        result.input.extend(inputs)
        self._nodes.append(result)
        return result

    def slice(self, name: str, cuts: Mapping[int, tuple[int, int]], output: str | None = None) -> str:
        """Add ``name[start:end]`` along axes, and return the name of its output."""
        starts, ends = ([cut[side] for cut in cuts.values()] for side in (0, 1))
        return self.add("Slice", [name, *map(self.constant, (starts, ends, list(cuts)))], output)

    def avoid_empty_output(self, name: str, spatial_axis: int) -> None:
        """Let the convolution that computes ``name`` compute one more step, and cut that off.

        The convolutions of ONNX Runtime accept no input that leaves them without any output.

        :param spatial_axis: the spatial axis of the convolution that is the stream.
        """
        at, node = next((i, node) for i, node in enumerate(self._nodes) if name in node.output)
        node.output[0] = longer = self.new_name("longer")
        pads = next(attribute for attribute in node.attribute if attribute.name == "pads")
        pads.ints[spatial_axis + len(pads.ints) // 2] += 1
        self.slice(longer, {spatial_axis + 2: (0, -1)}, name)
        self._nodes.insert(at + 1, self._nodes.pop())

    def name_outputs(self, outputs: Mapping[str, str]) -> None:
        """Give tensors the names of outputs; other tensors with these names get new ones.

        :param outputs: tensors by the names of the outputs.
        """
        renamed = {name: self.new_name("inner") for name, tensor in outputs.items() if tensor != name}
        for names in (side for node in self._nodes for side in (node.input, node.output)):
            names[:] = [renamed.get(name, name) for name in names]
        for name in renamed:
            self.add("Identity", [renamed.get(outputs[name], outputs[name])], name)

    def build(self, inputs: Mapping[str, Tensor], outputs: Mapping[str, Tensor], plain: ModelProto) -> ModelProto:
        """Return the model of everything that was added.

        :param plain: has the versions of operators and of the file format. They are raised to 15 and 8 where they are
            older; everything from opset 13 on means the same there.
        """
        import onnx
        from onnx import helper

        input_infos, output_infos = (
            [_value_info(name, tensor) for name, tensor in side.items()] for side in (inputs, outputs)
        )
        nodes = needed_nodes(self._nodes, outputs)
        graph = helper.make_graph(nodes, "stateful", input_infos, output_infos, [*self._constants.values()])
        versions = [
            helper.make_opsetid(opset.domain, opset.version if opset.domain else max(OLDEST_OPSET, opset.version))
            for opset in plain.opset_import
        ]
        ir_version = max(OLDEST_IR_VERSION, plain.ir_version)
        model = helper.make_model(graph, opset_imports=versions, ir_version=ir_version)
        onnx.checker.check_model(model)
        return model

    def new_name(self, kind: str) -> str:
        """Return a name that no tensor has."""
        self._count += 1
        return f"stateful.{self._count}.{kind}"


def _value_info(name: str, tensor: Tensor) -> ValueInfoProto:
    from onnx import helper

    dtype = helper.np_dtype_to_tensor_dtype(np.dtype(tensor.dtype))
    return helper.make_tensor_value_info(name, dtype, list(tensor.shape))
