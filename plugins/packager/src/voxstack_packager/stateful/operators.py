"""Common parts of the conversion of operators: their operands, their attributes, and copies of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from voxstack_packager.stateful.operands import PaddedStream, StaticTensor, StreamTensor, Unpadded
from voxstack_packager.stateful.stateful_builder import StatefulBuilder

if TYPE_CHECKING:
    from onnx import NodeProto

Handler = Callable[[StatefulBuilder, "NodeProto"], None]
"""Converts an operator, or raises NoStatefulForm where the operator mixes steps."""


def operands_of(builder: StatefulBuilder, node: NodeProto) -> list[Unpadded | None]:
    """Return the operands of an operator; None for inputs that are left out.

    :raises NoStatefulForm: if one is padded along the stream.
    """
    operands: list[Unpadded | None] = []
    for operand in [builder.operand(name) if name else None for name in node.input]:
        if isinstance(operand, PaddedStream):
            supported = "only convolutions and slices as long as the stream are supported"
            raise builder.refusal(node, f"reads a tensor padded along the stream, of which {supported}")
        operands.append(operand)
    return operands


def copy_operator(builder: StatefulBuilder, node: NodeProto) -> None:
    """Copy an operator that treats each step of its operands alike."""
    copy_with(builder, node, operands_of(builder, node), ())


def copy_with(
    builder: StatefulBuilder, node: NodeProto, operands: Sequence[Unpadded | None], permutation: tuple[int, ...]
) -> None:
    """Copy an operator with these operands.

    :param permutation: the pending permutation of all of them, which the outputs then have, too.
    """
    aligned, delay = align(builder, operands, permutation)
    builder.graph.copy(node, ["" if operand is None else operand.name for operand in aligned])
    is_stream = any(isinstance(operand, StreamTensor) for operand in aligned)
    set_outputs(builder, node, is_stream, delay, permutation)


def set_outputs(
    builder: StatefulBuilder, node: NodeProto, is_stream: bool, delay: int, permutation: tuple[int, ...] = ()
) -> None:
    """Set the counterparts of the outputs of an operator that was copied.

    :param is_stream: whether any operand is a stream.
    :param permutation: the pending permutation of the outputs.
    :raises NoStatefulForm: if an operand is a stream and an output has no steps.
    """
    for name in node.output:
        if not name:
            continue
        if is_stream and builder.trace.time_axis(name) is None:
            raise builder.refusal(node, "sums up the steps of the stream")
        builder.set_operand(name, StreamTensor(name, name, delay, permutation) if is_stream else StaticTensor(name))


def align(
    builder: StatefulBuilder, operands: Sequence[Unpadded | None], permutation: tuple[int, ...]
) -> tuple[list[Unpadded | None], int]:
    """Return the operands with the same delay, and that delay; transposed unless all have this pending permutation.

    Streams are delayed before they are transposed, so that one history serves operators of both layouts.
    """
    delay = max((operand.delay for operand in operands if isinstance(operand, StreamTensor)), default=0)
    delayed = [
        builder.histories.delay(operand, delay) if isinstance(operand, StreamTensor) else operand
        for operand in operands
    ]
    if permutation:
        return delayed, delay
    return [builder.transpose(operand) if isinstance(operand, StreamTensor) else operand for operand in delayed], delay


def common_permutation(operands: Sequence[Unpadded | None]) -> tuple[int, ...]:
    """Return the pending permutation of all streams among the operands; none where they differ."""
    permutations = {operand.permutation for operand in operands if isinstance(operand, StreamTensor)}
    return permutations.pop() if len(permutations) == 1 else ()


def attributes_of(node: NodeProto) -> dict[str, Any]:
    """Return the attributes that an operator sets."""
    from onnx import helper

    return {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}


def axis_of(node: NodeProto, default: int | None) -> int:
    """Return the axis of an operator as it is written: counted from the end where it is negative."""
    axis = attributes_of(node).get("axis", default)
    assert isinstance(axis, int), f"{node.op_type} has an axis"
    return axis
