"""Conversion of operators that compute nothing: they only arrange axes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from voxstack_packager.stateful.operands import PaddedStream, StaticTensor, StreamTensor, Unpadded
from voxstack_packager.stateful.operators import (
    Handler,
    align,
    attributes_of,
    axis_of,
    common_permutation,
    copy_operator,
    operands_of,
    set_outputs,
)
from voxstack_packager.stateful.stateful_builder import StatefulBuilder

if TYPE_CHECKING:
    from onnx import NodeProto


def _convert_concat(builder: StatefulBuilder, node: NodeProto) -> None:
    """Convert a concatenation of channels; a static tensor is repeated for each step."""
    axis, output, trace = axis_of(node, None), node.output[0], builder.trace
    if trace.time_axis(output) == axis % len(trace.shape(output)) and trace.time_axis(node.input[0]) is not None:
        raise builder.refusal(node, "concatenates along the stream")
    operands = operands_of(builder, node)
    streams = [operand for operand in operands if isinstance(operand, StreamTensor)]
    if not streams:
        copy_operator(builder, node)
        return
    permutation = common_permutation(operands) if len(streams) == len(operands) else ()
    aligned, delay = align(builder, operands, permutation)
    stream = next(operand for operand in aligned if isinstance(operand, StreamTensor))

    def expanded(operand: Unpadded | None, name: str) -> str:
        assert operand is not None, "no input of a Concat is optional"
        return builder.expand_static(operand, stream, name) if isinstance(operand, StaticTensor) else operand.name

    names = [expanded(operand, name) for operand, name in zip(aligned, node.input, strict=True)]
    builder.graph.add("Concat", names, output, axis=stream.axis(axis % len(trace.shape(output))))
    set_outputs(builder, node, True, delay, permutation)


def _convert_transpose(builder: StatefulBuilder, node: NodeProto) -> None:
    """Convert a transposition to a pending one, which is applied where an operator needs it."""
    (operand,) = operands_of(builder, node)
    if not isinstance(operand, StreamTensor):
        copy_operator(builder, node)
        return
    rank = len(builder.trace.shape(node.input[0]))
    axes = tuple(map(operand.axis, attributes_of(node).get("perm", range(rank)[::-1])))
    permutation = () if axes == tuple(range(rank)) else axes
    builder.set_operand(node.output[0], StreamTensor(operand.name, node.output[0], operand.delay, permutation))


def _convert_expand(builder: StatefulBuilder, node: NodeProto) -> None:
    """Convert a repetition: a static tensor is repeated only where it meets a stream and an operator needs it."""
    shape, expanded = (builder.trace.shape(name) for name in (node.input[0], node.output[0]))
    operand = builder.operand(node.input[0])
    time, batch = builder.trace.time_axis(node.output[0]), builder.trace.batch_axis(node.output[0])
    repeated = [i for i, (before, after) in enumerate(zip(shape, expanded, strict=False)) if before != after]
    along_stream = len(shape) == len(expanded) and all(i in (time, batch) for i in repeated)
    if isinstance(operand, StreamTensor) and shape != expanded and not {time, batch} & set(repeated):
        _repeat(builder, node, operand)
        return
    if shape != expanded and not (isinstance(operand, StaticTensor) and along_stream):
        raise builder.refusal(node, "repeats along other axes than the stream")
    builder.set_operand(node.output[0], operand)


def _repeat(builder: StatefulBuilder, node: NodeProto, operand: StreamTensor) -> None:
    """Convert a repetition of a stream along other axes, such as the one that a reshape then joins with the steps."""
    trace, name = builder.trace, node.output[0]
    if len(trace.shape(node.input[0])) != len(trace.shape(name)):
        raise builder.refusal(node, "adds axes")
    kept = (trace.time_axis(name), trace.batch_axis(name))
    sizes = [1 if axis in kept else size for axis, size in enumerate(trace.shape(name))]
    builder.graph.add("Expand", [builder.transpose(operand).name, builder.graph.constant(sizes)], name)
    builder.set_operand(name, StreamTensor(name, name, operand.delay))


def _convert_reshape(builder: StatefulBuilder, node: NodeProto) -> None:
    """Convert a reshape that splits or joins axes on either side of the steps."""
    source, output, trace = node.input[0], node.output[0], builder.trace
    time, time_out = trace.time_axis(source), trace.time_axis(output)
    batch, batch_out = trace.batch_axis(source), trace.batch_axis(output)
    if time is None and time_out is None:
        copy_operator(builder, node)
        return
    pairs = zip(trace.values(source), trace.values(output), strict=True)
    kept = time_out is not None and time is not None and batch == batch_out
    if not kept or any(np.prod(a.shape[:time]) != np.prod(b.shape[:time_out]) for a, b in pairs):
        raise builder.refusal(node, "mixes the steps of the stream with another axis")
    shape = [-1 if i == time_out else 0 if i == batch_out else size for i, size in enumerate(trace.shape(output))]
    operand = builder.operand(source)
    if isinstance(operand, PaddedStream):
        raise builder.refusal(node, "reads a tensor padded along the stream")
    if isinstance(operand, StreamTensor):
        operand = builder.transpose(operand)
    builder.graph.add("Reshape", [operand.name, builder.graph.constant(shape)], output)
    delay = _reshaped_delay(builder, node, operand.delay) if isinstance(operand, StreamTensor) else 0
    set_outputs(builder, node, isinstance(operand, StreamTensor), delay)


def _reshaped_delay(builder: StatefulBuilder, node: NodeProto, delay: int) -> int:
    """Return the delay after a reshape, which may join steps with the axis after them, or divide them."""
    before, after = builder.trace.rate(node.input[0]), builder.trace.rate(node.output[0])
    if delay * after % before or (after % before and before % after):
        raise builder.refusal(node, f"makes {after} steps of {before}")
    return delay * after // before


SHAPE_OPS: dict[str, Handler] = {
    **dict.fromkeys(("Reshape", "Flatten"), _convert_reshape),
    "Concat": _convert_concat,
    "Expand": _convert_expand,
    "Transpose": _convert_transpose,
}
"""Supported operators, and the function that converts each of them."""
