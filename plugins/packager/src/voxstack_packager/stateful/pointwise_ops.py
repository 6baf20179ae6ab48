"""Conversion of operators that do to each step of a stream what they would do to it alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from voxstack_packager.stateful.operands import StaticTensor, StreamTensor, Unpadded
from voxstack_packager.stateful.operators import (
    Handler,
    attributes_of,
    axis_of,
    common_permutation,
    copy_operator,
    copy_with,
    operands_of,
)
from voxstack_packager.stateful.stateful_builder import StatefulBuilder

if TYPE_CHECKING:
    from onnx import NodeProto

ELEMENTWISE = frozenset(
    "Abs Acos Acosh Add And Asin Asinh Atan Atanh BitwiseAnd BitwiseNot BitwiseOr BitwiseXor Cast Ceil Celu Clip "
    "Cos Cosh DequantizeLinear Div Dropout Elu Equal Erf Exp Floor Gelu Greater GreaterOrEqual HardSigmoid "
    "HardSwish Identity IsInf IsNaN LeakyRelu Less LessOrEqual Log Max Mean Min Mish Mod Mul Neg Not Or PRelu Pow "
    "QuantizeLinear Reciprocal Relu Round Selu Sigmoid Sign Sin Sinh Softplus Softsign Sqrt Sub Sum Tan Tanh "
    "ThresholdedRelu Where Xor".split()
)
"""Operators whose output at a place depends on their inputs at that place."""

KEEPS_ZERO = frozenset(
    "Abs Asin Asinh Atan Atanh Celu Elu Erf Gelu HardSwish LeakyRelu Mish Neg Relu Selu Sign Sin Sinh Softsign "
    "Tan Tanh".split()
)
"""Those of one input that give 0 for 0."""

DEFAULT_AXIS = {
    "Softmax": -1,
    "LogSoftmax": -1,
    "Hardmax": -1,
    "LpNormalization": -1,
    "ArgMax": 0,
    "ArgMin": 0,
    "Split": 0,
    "Gather": 0,
}
"""Operators that work along one axis, and the default of that axis."""

REDUCTIONS = frozenset(
    "ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum "
    "ReduceSumSquare".split()
)


def _convert_elementwise(builder: StatefulBuilder, node: NodeProto) -> None:
    unchanged = _unchanged_input(builder, node)
    if unchanged is not None:
        builder.set_operand(node.output[0], builder.operand(unchanged))
        return
    rank = len(builder.trace.shape(node.output[0]))
    for name in node.input:
        time = builder.trace.time_axis(name) if name else None
        if time is None:
            continue
        from_end = time - len(builder.trace.shape(name))
        if from_end != (builder.trace.time_axis(node.output[0]) or 0) - rank:
            raise builder.refusal(node, "combines the steps of one input with another axis of another")
    operands = operands_of(builder, node)
    permutation = common_permutation(operands)
    if len(permutation) != rank or node.op_type in ("QuantizeLinear", "DequantizeLinear"):  # they have an axis
        copy_operator(builder, node)
        _record_source(builder, node, operands)
        return
    for i, operand in enumerate(operands):
        if isinstance(operand, StaticTensor):
            operands[i] = builder.transpose_static(operand, len(builder.trace.shape(node.input[i])), permutation)
    copy_with(builder, node, operands, permutation)
    _record_source(builder, node, operands)


def _record_source(builder: StatefulBuilder, node: NodeProto, operands: Sequence[Unpadded | None]) -> None:
    """Let a convolution after the operator share the history of its input with a connection around both."""
    source = operands[0]
    if node.op_type in KEEPS_ZERO and isinstance(source, StreamTensor) and builder.readers(node.input[0]) > 1:
        builder.histories.record_source(node, source, [])


def _convert_unsqueeze(builder: StatefulBuilder, node: NodeProto) -> None:
    source, axes = operands_of(builder, node)
    copy_operator(builder, node)
    if isinstance(source, StreamTensor) and not source.permutation and isinstance(axes, StaticTensor):
        builder.histories.record_source(node, source, [axes.name])


def _unchanged_input(builder: StatefulBuilder, node: NodeProto) -> str | None:
    """Return the input that is also the output, as the other input is a mask of ones; None without one."""

    def is_all(name: str, number: float) -> bool:
        value = builder.static_value(name)
        return value is not None and bool(np.all(value == number))

    kind, inputs = node.op_type, list(node.input)
    found = None
    if kind in ("Mul", "And"):
        found = inputs[1] if is_all(inputs[0], 1) else inputs[0] if is_all(inputs[1], 1) else None
    elif kind in ("Add", "Or"):
        found = inputs[1] if is_all(inputs[0], 0) else inputs[0] if is_all(inputs[1], 0) else None
    elif kind in ("Div", "Sub"):
        found = inputs[0] if is_all(inputs[1], 1 if kind == "Div" else 0) else None
    elif kind == "Where":
        found = inputs[1] if is_all(inputs[0], 1) else inputs[2] if is_all(inputs[0], 0) else None
    if found is None or builder.trace.shape(found) != builder.trace.shape(node.output[0]):
        return None
    return found if builder.depends_on_data([found]) else None


def _convert_along_axis(builder: StatefulBuilder, node: NodeProto) -> None:
    """Convert an operator along one axis, which must not be the stream."""
    axis = axis_of(node, DEFAULT_AXIS[node.op_type])
    rank = len(builder.trace.shape(node.input[0]))
    if builder.trace.time_axis(node.input[0]) == axis % rank:
        raise builder.refusal(node, "works along the stream")
    if node.op_type == "Gather" and builder.depends_on_data(node.input[1:]) and not _is_look_up(builder, node, axis):
        raise builder.refusal(node, "picks by the content of the input")
    copy_operator(builder, node)


def _is_look_up(builder: StatefulBuilder, node: NodeProto, axis: int) -> bool:
    """Return whether a Gather looks each step up in rows that are the same for all, as an embedding does."""
    table, rank = node.input[0], len(builder.trace.shape(node.input[0]))
    return axis % rank == 0 and not builder.depends_on_data([table]) and builder.trace.is_constant(table)


def _convert_matmul(builder: StatefulBuilder, node: NodeProto) -> None:
    first, second = (builder.trace.time_axis(name) for name in node.input[:2])
    first_rank, second_rank = (len(builder.trace.shape(name)) for name in node.input[:2])
    both = first is not None and second is not None
    if both or first == first_rank - 1 or (second is not None and second != second_rank - 1):
        raise builder.refusal(node, "multiplies steps with steps, as attention does")
    copy_operator(builder, node)


def _convert_gemm(builder: StatefulBuilder, node: NodeProto) -> None:
    first, second = (builder.trace.time_axis(name) for name in node.input[:2])
    row_axis = 1 if attributes_of(node).get("transA", 0) else 0
    other_axis = first is not None and first != row_axis
    if second is not None or other_axis or (len(node.input) > 2 and builder.depends_on_data(node.input[2:])):
        raise builder.refusal(node, "multiplies steps with steps")
    copy_operator(builder, node)


def _convert_layer_norm(builder: StatefulBuilder, node: NodeProto) -> None:
    """Convert a norm over the axes from one on: LayerNormalization, RMSNormalization."""
    shape, time = builder.trace.shape(node.input[0]), builder.trace.time_axis(node.input[0])
    if time is not None and time >= axis_of(node, -1) % len(shape):
        raise builder.refusal(node, "is a norm over the steps of the stream")
    copy_operator(builder, node)


def _convert_batch_norm(builder: StatefulBuilder, node: NodeProto) -> None:
    if builder.trace.time_axis(node.input[0]) == 1:
        raise builder.refusal(node, "has the stream for its channels")
    copy_operator(builder, node)


def _convert_reduction(builder: StatefulBuilder, node: NodeProto) -> None:
    axes = attributes_of(node).get("axes")
    if axes is None and len(node.input) > 1 and node.input[1]:
        axes = builder.trace.first(node.input[1]).tolist()
    rank, time = len(builder.trace.shape(node.input[0])), builder.trace.time_axis(node.input[0])
    if time is not None and (not axes or time in [axis % rank for axis in axes]):
        raise builder.refusal(node, "sums up the steps of the stream")
    copy_operator(builder, node)


POINTWISE_OPS: dict[str, Handler] = {
    **dict.fromkeys(ELEMENTWISE, _convert_elementwise),
    **dict.fromkeys(DEFAULT_AXIS, _convert_along_axis),
    **dict.fromkeys(REDUCTIONS, _convert_reduction),
    **dict.fromkeys(("LayerNormalization", "RMSNormalization"), _convert_layer_norm),
    "Unsqueeze": _convert_unsqueeze,
    "Squeeze": copy_operator,
    "BatchNormalization": _convert_batch_norm,
    "Gemm": _convert_gemm,
    "MatMul": _convert_matmul,
}
"""Supported operators, and the function that converts each of them."""
