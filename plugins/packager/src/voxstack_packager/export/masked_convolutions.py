"""A mask put into a graph of convolutions, so that it computes padded input as it computes input without padding.

Convolutions pad the ends of a stream with zeros. Steps after the end of the real ones have to look the same to them:
zeros before every layer that reads neighbouring steps. So the input of each such layer is multiplied by the mask,
repeated to the rate at which that layer runs.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from voxstack_packager.errors import PackagingError
from voxstack_packager.sources import OnnxSource

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

_PREFIX = "stream_mask/"


def masked(source: OnnxSource, name: str = "mask") -> OnnxSource:
    """Return a source whose graph has a mask along its streaming axis: (batch, steps), 1 for real steps, else 0.

    Inputs of convolutions of stride 1 and of transposed ones are masked, at the rate of each. What the mask achieves is
    measured when the source is packaged, which refuses it if another operator mixes steps.

    :param name: of the new input; the last one.
    :raises PackagingError: if the graph has that input, several streams or no ``streaming``, or convolutions that
        change the rate in other ways.
    """
    import onnx

    if name in source.inputs:
        raise PackagingError(source.name, f"has an input {name!r} already; choose another name for the mask")
    axis = source.streaming
    streams = [key for key, tensor in source.signature.inputs.items() if axis in tensor.shape]
    if axis is None or len(streams) != 1:
        raise PackagingError(source.name, f"a mask needs one input with the streaming axis, and there are {streams}")
    model = onnx.ModelProto()
    model.CopyFrom(source.model if isinstance(source.model, onnx.ModelProto) else onnx.load(source.model))
    stream = model.graph.input[list(source.inputs).index(streams[0])].name
    _add_masks(model, stream, name, axis, source.name)
    shape = ["batch", axis]
    return replace(source, model=model, inputs={**source.inputs, name: ("float32", shape, True)})


def masked_if_exact(source: OnnxSource, progress: Callable[[str], None] = print) -> OnnxSource:
    """Return :func:`masked` of a source; the source itself, and a line to ``progress``, where that is not exact.

    Without a mask, a network streams all the same, but not where a context fixes its sizes.
    """
    from voxstack_packager.measure.exactness import mask_exactness
    from voxstack_packager.measure.measured import MASK_LIMIT
    from voxstack_packager.runners import model_runner

    try:
        found = masked(source)
        assert not isinstance(found.model, str | os.PathLike), "it was changed in memory"
        errors = mask_exactness(model_runner(found.model, source.name), found.signature, found.example_inputs)
    except Exception as error:  # the errors of ONNX Runtime have no class in common
        progress(f"{source.name}: gets no mask ({error}), so it cannot run at fixed sizes")
        return source
    worst = max(errors.values())
    if worst <= MASK_LIMIT:
        return found
    progress(f"{source.name}: gets no mask, with which padding would change it by {worst:.2g} of its scale")
    return source


def _add_masks(model: ModelProto, stream: str, mask: str, axis: str, where: str) -> None:
    """Add the mask input to the graph, and multiply what layers that read neighbouring steps receive, in place."""
    from onnx import helper

    rates = _rates(model.graph.node, stream, where)
    pads = {node.output[0]: node for node in model.graph.node if node.op_type == "Pad"}
    writer = _MaskWriter(mask)
    for node in model.graph.node:
        if node.op_type not in ("Conv", "ConvTranspose") or node.input[0] not in rates:
            continue
        reader = pads.get(node.input[0], node)  # zeros around the stream come after the mask
        if _kernel(node, model) > 1 and not reader.input[0].startswith(_PREFIX):
            reader.input[0] = writer.masked(reader.input[0], rates[reader.input[0]])
    nodes = writer.placed(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    model.graph.initializer.extend(writer.constants)
    model.graph.input.append(helper.make_tensor_value_info(mask, 1, ["batch", axis]))


def _rates(nodes: Iterable[NodeProto], stream: str, where: str) -> dict[str, int]:
    """Return the steps of each tensor that depends on the stream for one step of it.

    :raises PackagingError: for a convolution whose stride leaves steps out.
    """
    rates = {stream: 1}
    for node in nodes:
        found = [rates[name] for name in node.input if name in rates]
        if not found or node.op_type in ("Shape", "Size"):
            continue
        stride = _stride(node)
        if node.op_type == "Conv" and stride != 1:
            raise PackagingError(where, f"the convolution {node.name!r} has a stride of {stride}; it cannot be masked")
        rate = max(found) * (stride if node.op_type == "ConvTranspose" else 1)
        rates.update(dict.fromkeys(node.output, rate))
    return rates


def _stride(node: NodeProto) -> int:
    return next((int(np.prod(attribute.ints)) for attribute in node.attribute if attribute.name == "strides"), 1)


def _kernel(node: NodeProto, model: ModelProto) -> int:
    """Return the steps that a convolution reads; 2, for certain, where its weights are computed."""
    shape = next((attribute.ints for attribute in node.attribute if attribute.name == "kernel_shape"), None)
    if shape is None:
        shape = next((list(w.dims)[2:] for w in model.graph.initializer if w.name == node.input[1]), [2])
    return int(np.prod(shape))


class _MaskWriter:
    """Writes the operators of a mask, each once.

    :param mask: name of the mask, (batch, steps).
    """

    def __init__(self, mask: str) -> None:
        self.constants: list[Any] = []
        self._mask, self._masks, self._products = mask, dict[int, str](), dict[str, str]()
        self._first: list[NodeProto] = []
        self._after: dict[str, NodeProto] = {}

    def masked(self, name: str, rate: int) -> str:
        """Return the product of a tensor, (batch, channels, steps), and the mask at its rate."""
        from onnx import helper

        if name not in self._products:
            product = self._products[name] = f"{_PREFIX}{name}"
            self._after[name] = helper.make_node("Mul", [name, self._at(rate)], [product], name=product)
        return self._products[name]

    def placed(self, nodes: Iterable[NodeProto]) -> list[NodeProto]:
        """Return all operators in order: each product directly after what it multiplies."""
        produced, inner = list(self._first), []
        for node in nodes:
            inner += [node, *(self._after.pop(name) for name in node.output if name in self._after)]
        return [*produced, *self._after.values(), *inner]  # the rest multiplies inputs of the graph

    def _at(self, rate: int) -> str:
        """Return the mask as (batch, 1, steps * rate)."""
        if 1 not in self._masks:
            self._masks[1] = self._add("Reshape", [self._mask, self._constant("joined", [0, 1, -1])], "1")
        if rate not in self._masks:
            column = self._add("Reshape", [self._masks[1], self._constant("column", [0, 1, -1, 1])], f"{rate}/column")
            rows = self._add("Expand", [column, self._constant(f"{rate}", [1, 1, 1, rate])], f"{rate}/rows")
            self._masks[rate] = self._add("Reshape", [rows, self._constant("joined", [0, 1, -1])], f"{rate}")
        return self._masks[rate]

    def _add(self, kind: str, inputs: list[str], name: str) -> str:
        from onnx import helper

        output = f"{_PREFIX}at/{name}"
        self._first.append(helper.make_node(kind, inputs, [output], name=output))
        return output

    def _constant(self, name: str, value: list[int]) -> str:
        from onnx import numpy_helper

        name = f"{_PREFIX}shape/{name}"
        if all(tensor.name != name for tensor in self.constants):
            self.constants.append(numpy_helper.from_array(np.array(value, np.int64), name))
        return name
