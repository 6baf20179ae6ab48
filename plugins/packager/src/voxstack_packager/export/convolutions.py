"""Convolutions over one axis, written as convolutions of images that are one row high.

The fast kernels of ONNX Runtime, which work on blocks of channels (NCHWc), accept only images. They save a tenth of the
time of a HiFi-GAN, and compute a step the same, bit for bit, however many steps there are, which those for one axis do
not. OpenVINO is a fifth faster on such images, too, if the operators between the convolutions work on them as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from voxstack_packager.needed_nodes import needed_nodes

if TYPE_CHECKING:
    from onnx import AttributeProto, ModelProto, NodeProto, TensorProto

OLDEST_OPSET = 13
"""The first version of operators in which the axes of Unsqueeze and Squeeze are an input."""

ELEMENTWISE = frozenset(
    "Abs Add Clip Cos Div Elu Erf Exp Gelu LeakyRelu Mul Neg Pow Relu Selu Sigmoid Sin Softplus Sqrt Sub Tanh".split()
)
"""Operators that are written for images where they stand between convolutions."""

_ROW_AXIS = "convolutions.row_axis"


def use_2d_convolutions(model: ModelProto) -> None:
    """Write the convolutions of a graph over one axis, and what is between them, for images, in place.

    Convolutions with one filter for each channel alone stay as they are: the conversion to a stateful form arranges
    them together with the transpositions around them.
    """
    from onnx import numpy_helper

    opset = next((entry.version for entry in model.opset_import if not entry.domain), 0)
    graph = model.graph
    weights = {tensor.name: tensor for tensor in graph.initializer}
    found = [node for node in graph.node if opset >= OLDEST_OPSET and _is_over_one_axis(node, weights)]
    if not found or any(attribute.HasField("g") for node in graph.node for attribute in node.attribute):
        return  # graphs of branches and loops may read anything
    ranks, outputs = _ranks(model), {node.output[0] for node in found}
    others = {name for node in graph.node if outputs.isdisjoint(node.output) for name in node.input}
    filters = {node.input[1]: node.input[1] for node in found}
    for name in filters:
        image = numpy_helper.to_array(weights[name])[:, :, None, :]
        filters[name] = f"{name}.2d" if name in others else name
        tensor = numpy_helper.from_array(np.ascontiguousarray(image), filters[name])
        if name in others:
            graph.initializer.append(tensor)
        else:
            weights[name].CopyFrom(tensor)
    writer = _ImageWriter(ranks, filters)
    for node in graph.node:
        writer.write(node, not outputs.isdisjoint(node.output))
    graph.initializer.append(numpy_helper.from_array(np.array([2]), _ROW_AXIS))
    nodes = needed_nodes(writer.nodes, (value.name for value in graph.output))
    del graph.node[:]
    graph.node.extend(nodes)


class _ImageWriter:
    """Writes operators in their order; those that work on images have their original output, too, squeezed.

    :param ranks: the number of axes of each tensor, as far as it is known.
    :param filters: the names of filters for images, by those of the filters over one axis.
    """

    def __init__(self, ranks: dict[str, int], filters: dict[str, str]) -> None:
        self.nodes: list[NodeProto] = []
        self._ranks, self._filters = ranks, filters
        self._images: dict[str, str] = {}

    def write(self, node: NodeProto, is_convolution: bool) -> None:
        """Write an operator, for images where it is a convolution or between some."""
        if not (is_convolution or self._is_between(node)):
            self.nodes.append(node)
            return
        wide = type(node)()
        wide.CopyFrom(node)
        if is_convolution:
            wide.input[0], wide.input[1] = self._image(node.input[0]), self._filters[node.input[1]]
            attributes = [_for_rows(attribute) for attribute in node.attribute]
            del wide.attribute[:]
            wide.attribute.extend(attributes)
        else:
            wide.input[:] = [self._image(name) if self._ranks.get(name) == 3 else name for name in node.input]
        output = node.output[0]
        wide.output[0] = self._images[output] = f"{output}.image"
        self.nodes.append(wide)
        self._add("Squeeze", wide.output[0], output)

    def _is_between(self, node: NodeProto) -> bool:
        """Return whether an operator reads images, and can read all that it reads as images or numbers."""
        return (
            node.op_type in ELEMENTWISE
            and node.domain in ("", "ai.onnx")
            and any(name in self._images for name in node.input)
            and all(self._ranks.get(name) in (0, 3) for name in node.input if name)
        )

    def _image(self, name: str) -> str:
        if name not in self._images:
            self._images[name] = f"{name}.image"
            self._add("Unsqueeze", name, self._images[name])
        return self._images[name]

    def _add(self, kind: str, source: str, output: str) -> None:
        from onnx import helper

        self.nodes.append(helper.make_node(kind, [source, _ROW_AXIS], [output], name=f"{output}.{kind.lower()}"))


def _ranks(model: ModelProto) -> dict[str, int]:
    """Return the number of axes of each tensor of a graph, as far as it can be inferred; 0 for single numbers."""
    from onnx import ModelProto, shape_inference

    light = ModelProto()
    light.CopyFrom(model)
    infos = shape_inference.infer_shapes(light).graph
    found = {
        value.name: len(value.type.tensor_type.shape.dim)
        for value in (*infos.input, *infos.value_info, *infos.output)
        if value.type.tensor_type.HasField("shape")
    }
    found |= {tensor.name: len(tensor.dims) if np.prod(tensor.dims) != 1 else 0 for tensor in model.graph.initializer}
    return found


def _is_over_one_axis(node: NodeProto, weights: dict[str, TensorProto]) -> bool:
    if node.op_type not in ("Conv", "ConvTranspose") or node.domain not in ("", "ai.onnx"):
        return False
    dimensions = list(weights[node.input[1]].dims) if node.input[1] in weights else []
    groups = next((attribute.i for attribute in node.attribute if attribute.name == "group"), 1)
    return len(dimensions) == 3 and not (dimensions[1] == 1 and groups == dimensions[0] > 1)


def _for_rows(attribute: AttributeProto) -> AttributeProto:
    """Return the attribute of a convolution of rows for that of one over one axis."""
    from onnx import helper

    if attribute.name in ("kernel_shape", "strides", "dilations"):
        return helper.make_attribute(attribute.name, [1, *attribute.ints])
    if attribute.name in ("output_padding", "output_shape"):
        rows = 0 if attribute.name == "output_padding" else 1
        return helper.make_attribute(attribute.name, [rows, *attribute.ints])
    if attribute.name == "pads":
        before, after = attribute.ints
        return helper.make_attribute(attribute.name, [0, before, 0, after])
    return attribute
