"""Conversion of convolutions along the stream, and of the padding that surrounds them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from voxstack_packager.stateful.depthwise import add_depthwise, is_depthwise
from voxstack_packager.stateful.graph_writer import END
from voxstack_packager.stateful.operands import PaddedStream, StaticTensor, StreamTensor
from voxstack_packager.stateful.operators import Handler, attributes_of, copy_operator
from voxstack_packager.stateful.stateful_builder import StatefulBuilder

if TYPE_CHECKING:
    from onnx import NodeProto


class Window(NamedTuple):
    """A stream, and the steps before and after each of its own from which a convolution computes one step."""

    source: StreamTensor
    left: int
    right: int


def _convert_pad(builder: StatefulBuilder, node: NodeProto) -> None:
    """Convert padding with zeros around the stream, or around channels."""
    source, trace = node.input[0], builder.trace
    operand, time = builder.operand(source), trace.time_axis(source)
    rank = len(trace.shape(source))
    pads = trace.first(node.input[1]).tolist()
    axes = trace.first(node.input[3]).tolist() if len(node.input) > 3 and node.input[3] else list(range(rank))
    around = {axis % rank: (pads[i], pads[i + len(axes)]) for i, axis in enumerate(axes)}
    along = around.pop(time, (0, 0)) if time is not None else (0, 0)
    if along == (0, 0):
        copy_operator(builder, node)
        return
    is_zero = len(node.input) < 3 or not node.input[2] or not np.any(trace.first(node.input[2]))
    if attributes_of(node).get("mode", b"constant") != b"constant" or not is_zero or min(along) < 0:
        raise builder.refusal(node, "pads the stream with something else than zeros")
    if any(map(any, around.values())) or not isinstance(operand, StreamTensor) or not trace.is_constant(node.input[1]):
        raise builder.refusal(node, "pads other axes together with the stream")
    builder.set_operand(node.output[0], PaddedStream(operand, *along))


def _convert_conv(builder: StatefulBuilder, node: NodeProto) -> None:
    """Convert a convolution to one without padding, over its history and the new steps."""
    operand, time = builder.operand(node.input[0]), builder.trace.time_axis(node.input[0])
    if isinstance(operand, StaticTensor) or time is None:
        if time is not None:
            raise builder.refusal(node, "reads neighbours of what is the same in all steps, except for its ends")
        copy_operator(builder, node)
        return
    attributes, kernel = attributes_of(node), builder.trace.shape(node.input[1])[2:]
    spatial_axis, count = time - 2, len(kernel)
    pads = list(attributes.get("pads", [0] * (2 * count)))
    window = _window(builder, node, operand, spatial_axis, pads)
    source, left, right = window
    joined = builder.histories.join(source, left, right) if left + right else source
    operands = [builder.operand(name) for name in node.input[1:]]
    weights = [weight.name if isinstance(weight, StaticTensor) else "" for weight in operands]
    if is_depthwise(builder, node):
        spatial_axis, (name, output) = 1, add_depthwise(builder, node, joined, weights)
    else:
        pads[spatial_axis] = pads[spatial_axis + count] = 0
        copied = builder.graph.copy(node, [builder.transpose(joined).name, *weights])
        _set_attributes(copied, pads=pads, auto_pad="NOTSET")
        name, output = node.output[0], StreamTensor(node.output[0], node.output[0], 0)
    if source.delay + right == 0:
        builder.record_undelayed(name, spatial_axis)
    builder.set_operand(node.output[0], replace(output, delay=source.delay + right))


def _window(
    builder: StatefulBuilder, node: NodeProto, operand: StreamTensor | PaddedStream, spatial_axis: int, pads: list[int]
) -> Window:
    """Return the window of a convolution.

    :param spatial_axis: the spatial axis of the convolution that is the stream.
    :raises NoStatefulForm: if the convolution has a stride along the stream, or changes its length.
    """
    attributes, kernel = attributes_of(node), builder.trace.shape(node.input[1])[2:]
    count = len(kernel)
    if spatial_axis < 0 or builder.depends_on_data(node.input[1:]):
        raise builder.refusal(node, "has the stream for its batch, its channels or its weights")
    stride = attributes.get("strides", [1] * count)[spatial_axis]
    if attributes.get("auto_pad", b"NOTSET") not in (b"NOTSET", b"VALID") or stride != 1:
        raise builder.refusal(node, "has a stride, or a padding (auto_pad) that depends on the length")
    reach = attributes.get("dilations", [1] * count)[spatial_axis] * (kernel[spatial_axis] - 1)
    source, left, right = (
        (operand, 0, 0) if isinstance(operand, StreamTensor) else (operand.source, operand.left, operand.right)
    )
    left, right = left + pads[spatial_axis], right + pads[spatial_axis + count]
    if left + right != reach or min(left, right) < 0:
        change = f"changes the length by {left + right - reach:+d} steps, counted over the whole stream"
        raise builder.refusal(node, f"{change}; pad it so that the length stays")
    return Window(source, left, right)


def _set_attributes(node: NodeProto, **attributes: Any) -> None:
    from onnx import helper

    kept = [attribute for attribute in node.attribute if attribute.name not in attributes]
    del node.attribute[:]
    node.attribute.extend([*kept, *(helper.make_attribute(name, value) for name, value in attributes.items())])


def _convert_conv_transpose(builder: StatefulBuilder, node: NodeProto) -> None:
    """Convert a transposed convolution to one over its history and the new steps, of which the ends are cut off.

    Output step o of the plain one is step o + ``pads[0]`` of the sum over all inputs i of kernels that begin at
    i * stride. So those of input step t need the inputs from t - ``left`` to t + ``right``.
    """
    operand, time = builder.operand(node.input[0]), builder.trace.time_axis(node.input[0])
    if isinstance(operand, StaticTensor) and time is None:
        copy_operator(builder, node)
        return
    attributes, kernel = attributes_of(node), builder.trace.shape(node.input[1])[2:]
    count, axis = len(kernel), (time or 0) - 2
    if not isinstance(operand, StreamTensor) or axis < 0 or builder.depends_on_data(node.input[1:]):
        raise builder.refusal(node, "has padding, the stream for its batch or channels, or weights that change")
    if attributes.get("auto_pad", b"NOTSET") != b"NOTSET" or "output_shape" in attributes:
        raise builder.refusal(node, "has a size that depends on the length (auto_pad, output_shape)")
    pads = list(attributes.get("pads", [0] * (2 * count)))
    added = list(attributes.get("output_padding", [0] * count))
    stride = attributes.get("strides", [1] * count)[axis]
    reach = attributes.get("dilations", [1] * count)[axis] * (kernel[axis] - 1) + 1
    first, change = pads[axis], reach - pads[axis] - pads[axis + count] + added[axis] - stride
    if change or first < 0:
        raise builder.refusal(node, f"changes the length by {change:+d} steps besides its stride of {stride}; crop it")
    left, right = max(0, reach - 1 - first) // stride, (stride - 1 + first) // stride
    right = max(right, 1 - (reach - first) // stride)  # where a kernel is shorter than the stride
    left = left or int(not right)  # a call without new steps has some all the same
    joined = builder.transpose(builder.histories.join(operand, left, right))
    weights = [
        weight.name if isinstance(weight, StaticTensor) else "" for weight in map(builder.operand, node.input[1:])
    ]
    pads[axis] = pads[axis + count] = added[axis] = 0
    attributes |= {"pads": pads, "output_padding": added}
    whole = builder.graph.add("ConvTranspose", [joined.name, *weights], **attributes)
    cut = (stride * left + first, first - reach - stride * (right - 1) or END)
    output = builder.graph.slice(whole, {axis + 2: cut}, node.output[0])
    builder.set_operand(output, StreamTensor(output, output, stride * (operand.delay + right)))


CONV_OPS: dict[str, Handler] = {"Conv": _convert_conv, "ConvTranspose": _convert_conv_transpose, "Pad": _convert_pad}
"""Supported operators, and the function that converts each of them."""
