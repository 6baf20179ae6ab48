"""Depthwise convolutions along the stream, written in two dimensions, for which ONNX Runtime has faster kernels.

Its kernels for blocks of channels (NCHWc) accept only images. Where time comes before channels, the transpositions
around the convolution then become part of how steps are arranged in blocks and back: other tensors of this layout stay
in it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from voxstack_packager.stateful.operands import StreamTensor
from voxstack_packager.stateful.operators import attributes_of
from voxstack_packager.stateful.stateful_builder import StatefulBuilder

if TYPE_CHECKING:
    from onnx import NodeProto

TIME_FIRST = (0, 2, 1)
"""The pending permutation of a tensor in which time comes before channels."""


def is_depthwise(builder: StatefulBuilder, node: NodeProto) -> bool:
    """Return whether a convolution has one dimension, and one filter for each channel alone."""
    source, weights = (builder.trace.shape(name) for name in node.input[:2])
    return len(weights) == 3 and weights[1] == 1 and attributes_of(node).get("group", 1) == source[1] == weights[0]


def add_depthwise(
    builder: StatefulBuilder, node: NodeProto, source: StreamTensor, weights: list[str]
) -> tuple[str, StreamTensor]:
    """Add the one-dimensional convolution ``node``, without its padding, as one of images that are one row high.

    :param source: the input of the convolution; the output has its layout if time comes first, else that of the plain
        graph.
    :param weights: its filters (channels, 1, kernel) and, if it has one, its bias.
    :returns: the output of the convolution itself (batch, channels, 1, steps), and the counterpart of that of ``node``.
    """
    graph, attributes, output = builder.graph, attributes_of(node), node.output[0]
    kernel, dilation = builder.trace.shape(node.input[1])[2], attributes.get("dilations", [1])[0]
    row_axis = graph.constant([2])
    filters = [graph.add("Unsqueeze", [weights[0], row_axis]), *weights[1:]]
    conv = {
        "group": attributes["group"],
        "kernel_shape": [1, kernel],
        "dilations": [1, dilation],
        "pads": [0, 0, 0, 0],
    }
    if source.permutation != TIME_FIRST:
        image = graph.add("Unsqueeze", [builder.transpose(source).name, row_axis])
        name = graph.add("Conv", [image, *filters], **conv)
        graph.add("Squeeze", [name, row_axis], output)
        return name, replace(source, name=output, plain=output, permutation=())
    row_before_time = graph.constant([1])
    image = graph.add("Transpose", [graph.add("Unsqueeze", [source.name, row_before_time])], perm=[0, 3, 1, 2])
    name = graph.add("Conv", [image, *filters], **conv)
    graph.add("Squeeze", [graph.add("Transpose", [name], perm=[0, 2, 3, 1]), row_before_time], output)
    return name, replace(source, name=output, plain=output)
