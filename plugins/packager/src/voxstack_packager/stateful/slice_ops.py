"""Conversion of slices: of channels, and of a padded stream, where a slice is the stream shifted by some steps."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from voxstack_packager.stateful.graph_writer import END
from voxstack_packager.stateful.operands import PaddedStream, StaticTensor, Unpadded
from voxstack_packager.stateful.operators import Handler, copy_operator
from voxstack_packager.stateful.stateful_builder import StatefulBuilder

if TYPE_CHECKING:
    from onnx import NodeProto

Cuts = dict[int, tuple[int, int]]
"""Start and end of a slice by axis; along the stream, the steps that it leaves out at the start and at the end."""


def _convert_slice(builder: StatefulBuilder, node: NodeProto) -> None:
    """Convert a slice of channels or, of a padded stream, one as long as the stream."""
    operand, source = builder.operand(node.input[0]), node.input[0]
    time = builder.trace.time_axis(source)
    if _has_strides(builder, node):
        copy_operator(builder, node)
        return
    cuts = _constant_cuts(builder, node)
    along = cuts.pop(time, (0, 0)) if time is not None else (0, 0)
    if isinstance(operand, PaddedStream):
        if sum(along) != operand.left + operand.right:
            raise builder.refusal(node, "slices a padded tensor to another length than that of the stream")
        whole = builder.histories.join(operand.source, operand.left, operand.right)
        assert time is not None, "a padded stream has steps"
        delayed = replace(whole, delay=whole.delay + operand.right)
        shifted = _add_slice(builder, node, delayed, {time: (along[0], -along[1] or END), **cuts})
        builder.set_operand(node.output[0], shifted)
        return
    if along != (0, 0):
        raise builder.refusal(node, "cuts steps of the stream off")
    builder.set_operand(node.output[0], _add_slice(builder, node, operand, cuts) if cuts else operand)


def _add_slice(builder: StatefulBuilder, node: NodeProto, source: Unpadded, cuts: Cuts) -> Unpadded:
    if isinstance(source, StaticTensor):
        return StaticTensor(builder.graph.slice(source.name, cuts))
    name = builder.graph.slice(source.name, {source.axis(axis): cut for axis, cut in cuts.items()})
    return replace(source, name=name, plain=node.output[0])


def _has_strides(builder: StatefulBuilder, node: NodeProto) -> bool:
    """Return whether a slice has other strides than 1, such as backwards through the channels.

    :raises NoStatefulForm: if it also cuts the stream.
    """
    trace = builder.trace
    if len(node.input) < 5 or (trace.first(node.input[4]) == 1).all():
        return False
    time, rank = trace.time_axis(node.input[0]), len(trace.shape(node.input[0]))
    axes = trace.first(node.input[3]).tolist() if node.input[3] else range(len(trace.first(node.input[1])))
    if time in [axis % rank for axis in axes] or isinstance(builder.operand(node.input[0]), PaddedStream):
        raise builder.refusal(node, "takes every other step of the stream, or goes backwards")
    return True


def _constant_cuts(builder: StatefulBuilder, node: NodeProto) -> Cuts:
    """Return the cuts of a slice of stride 1.

    :raises NoStatefulForm: if they depend on the length.
    """
    rank, time = len(builder.trace.shape(node.input[0])), builder.trace.time_axis(node.input[0])
    found = []
    for run, data in enumerate(builder.trace.values(node.input[0])):
        starts, ends, *more = (builder.trace.values(name)[run].tolist() if name else [] for name in node.input[1:])
        axes = (more[0] if more else []) or list(range(len(starts)))
        cuts = {}
        for axis, start, end in zip([axis % rank for axis in axes], starts, ends, strict=True):
            size = data.shape[axis]
            first, last, _ = slice(start, end).indices(size)
            if axis == time:
                cuts[axis] = (first, size - max(first, last))
            elif (first, last) != (0, size):  # all of the batch, for example, whatever its size
                cuts[axis] = (first, last)
        found.append(cuts)
    if any(cuts != found[0] for cuts in found):
        raise builder.refusal(node, "cuts at places that depend on the length")
    return found[0]


SLICE_OPS: dict[str, Handler] = {"Slice": _convert_slice}
"""Supported operators, and the function that converts each of them."""
