"""Depthwise convolutions along the stream, written in two dimensions, in which ONNX Runtime has faster kernels for them.

Its kernels for blocks of channels (NCHWc) take images alone. The transpositions around the convolution are then a part of
how steps are brought into blocks and back, where time comes before channels: what is elsewhere kept in this order stays in it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from voxstack_packager.building import Building
from voxstack_packager.operands import Steps
from voxstack_packager.stepwise import attributes_of

if TYPE_CHECKING:
    from onnx import NodeProto

TIME_FIRST = (0, 2, 1)
"""How a tensor is still to be turned in which time comes before channels."""


def is_depthwise(form: Building, node: NodeProto) -> bool:
    """Whether a convolution has one dimension, and one filter for each channel alone."""
    source, weights = (form.trace.shape(name) for name in node.input[:2])
    return len(weights) == 3 and weights[1] == 1 and attributes_of(node).get("group", 1) == source[1] == weights[0]


def add_depthwise(form: Building, node: NodeProto, given: Steps, weights: list[str]) -> tuple[str, Steps]:
    """Add the convolution of one dimension ``node``, without its padding, as one of two whose images are one row high.

    :param given: what it is made of; its output lies as this does, if time comes before channels, or else upright.
    :param weights: its filters (channels, 1, kernel) and, where there is one, its bias.
    :returns: the output of the convolution itself (batch, channels, 1, steps), and what stands for that of ``node``.
    """
    graph, attributes, output = form.graph, attributes_of(node), node.output[0]
    kernel, dilation = form.trace.shape(node.input[1])[2], attributes.get("dilations", [1])[0]
    row = graph.constant([2])
    filters = [graph.add("Unsqueeze", [weights[0], row]), *weights[1:]]
    sizes = {
        "group": attributes["group"],
        "kernel_shape": [1, kernel],
        "dilations": [1, dilation],
        "pads": [0, 0, 0, 0],
    }
    if given.turned != TIME_FIRST:
        image = graph.add("Unsqueeze", [form.upright(given).name, row])
        made = graph.add("Conv", [image, *filters], **sizes)
        graph.add("Squeeze", [made, row], output)
        return made, replace(given, name=output, like=output, turned=())
    above = graph.constant([1])
    image = graph.add("Transpose", [graph.add("Unsqueeze", [given.name, above])], perm=[0, 3, 1, 2])
    made = graph.add("Conv", [image, *filters], **sizes)
    graph.add("Squeeze", [graph.add("Transpose", [made], perm=[0, 2, 3, 1]), above], output)
    return made, replace(given, name=output, like=output)
