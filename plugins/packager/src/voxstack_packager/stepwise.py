"""How operators are carried over that do to each step of a stream what they would do to it alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from voxstack_packager.building import Building
from voxstack_packager.operands import Fixed, Operand, Padded, Steps

if TYPE_CHECKING:
    from onnx import NodeProto

Handler = Callable[[Building, Any], None]

ELEMENTWISE = frozenset(
    "Abs Acos Acosh Add And Asin Asinh Atan Atanh BitwiseAnd BitwiseNot BitwiseOr BitwiseXor Cast Ceil Celu Clip Cos Cosh "
    "DequantizeLinear Div Dropout Elu Equal Erf Exp Floor Gelu Greater GreaterOrEqual HardSigmoid HardSwish Identity IsInf IsNaN "
    "LeakyRelu Less LessOrEqual Log Max Mean Min Mish Mod Mul Neg Not Or PRelu Pow QuantizeLinear Reciprocal Relu Round Selu "
    "Sigmoid Sign Sin Sinh Softplus Softsign Sqrt Sub Sum Tan Tanh ThresholdedRelu Where Xor".split()
)
"""Operators whose output at a place depends on their inputs at that place."""

AXIS = {
    "Softmax": -1,
    "LogSoftmax": -1,
    "Hardmax": -1,
    "LpNormalization": -1,
    "ArgMax": 0,
    "ArgMin": 0,
    "Split": 0,
    "Gather": 0,
}
"""Operators that work along one axis, and its default."""

REDUCING = frozenset(
    "ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare".split()
)


def operands_of(form: Building, node: NodeProto) -> list[Operand | None]:
    """The inputs of an operator that knows no padding; None where one is left out."""
    found = [form.operand(name) if name else None for name in node.input]
    if any(isinstance(one, Padded) for one in found):
        raise form.refusal(
            node,
            "takes a tensor padded along the stream, of which only convolutions and slices as long as the stream are known",
        )
    return found


def per_step(form: Building, node: NodeProto) -> None:
    """An operator that does to each step what it would do to it alone."""
    _copied(form, node, operands_of(form, node), ())


def _copied(form: Building, node: NodeProto, operands: list[Operand | None], turned: tuple[int, ...]) -> None:
    ready, delay = together(form, operands, turned)
    form.graph.copy(node, ["" if one is None else one.name for one in ready])  # type: ignore[union-attr]
    placed(form, node, any(isinstance(one, Steps) for one in ready), delay, turned)


def placed(form: Building, node: NodeProto, steps: bool, delay: int, turned: tuple[int, ...] = ()) -> None:
    """Say what stands for the outputs of an operator that was copied.

    :param turned: the transposition that is still to be made of them.
    :raises NoStatefulForm: if steps went in and none come out.
    """
    for name in node.output:
        if not name:
            continue
        if steps and form.trace.time(name) is None:
            raise form.refusal(node, "sums up the steps of the stream")
        form.put(name, Steps(name, name, delay, turned) if steps else Fixed(name))


def together(
    form: Building, operands: Sequence[Operand | None], turned: tuple[int, ...]
) -> tuple[list[Operand | None], int]:
    """Operands whose steps are out at the same time, upright unless all have still to be ``turned``; and their delay.

    Steps wait as they lie, so that one history serves those that need them turned and those that do not.
    """
    delay = max((one.delay for one in operands if isinstance(one, Steps)), default=0)
    late = [form.later(one, delay) if isinstance(one, Steps) else one for one in operands]
    return [one if turned or not isinstance(one, Steps) else form.upright(one) for one in late], delay


def in_common(operands: Sequence[Operand | None]) -> tuple[int, ...]:
    """The transposition that is still to be made of all steps among operands; none where they differ."""
    found = {one.turned for one in operands if isinstance(one, Steps)}
    return found.pop() if len(found) == 1 else ()


def _elementwise(form: Building, node: NodeProto) -> None:
    kept = _unchanged(form, node)
    if kept is not None:
        form.put(node.output[0], form.operand(kept))
        return
    rank = len(form.trace.shape(node.output[0]))
    for name in node.input:
        time = form.trace.time(name) if name else None
        if time is not None and time - len(form.trace.shape(name)) != (form.trace.time(node.output[0]) or 0) - rank:
            raise form.refusal(node, "sets the steps of one input against another axis of another")
    operands = operands_of(form, node)
    turned = in_common(operands)
    if len(turned) != rank or node.op_type in ("QuantizeLinear", "DequantizeLinear"):  # they have an axis
        per_step(form, node)
        return
    for i, one in enumerate(operands):
        if isinstance(one, Fixed):
            operands[i] = form.turned_back(one, len(form.trace.shape(node.input[i])), turned)
    _copied(form, node, operands, turned)


def _unchanged(form: Building, node: NodeProto) -> str | None:
    """The input that comes out as it is, as the other is a mask of ones."""

    def every(name: str, wanted: float) -> bool:
        value = form.value(name)
        return value is not None and bool(np.all(value == wanted))

    kind, given = node.op_type, list(node.input)
    found = None
    if kind in ("Mul", "And"):
        found = given[1] if every(given[0], 1) else given[0] if every(given[1], 1) else None
    elif kind in ("Add", "Or"):
        found = given[1] if every(given[0], 0) else given[0] if every(given[1], 0) else None
    elif kind in ("Div", "Sub"):
        found = given[0] if every(given[1], 1 if kind == "Div" else 0) else None
    elif kind == "Where":
        found = given[1] if every(given[0], 1) else given[2] if every(given[0], 0) else None
    same = found is not None and form.trace.shape(found) == form.trace.shape(node.output[0])
    return found if same and form.follows([found]) else None


def _along(form: Building, node: NodeProto) -> None:
    """An operator along one axis, which is not the stream."""
    axis = axis_of(node, AXIS[node.op_type])
    rank = len(form.trace.shape(node.input[0]))
    if form.trace.time(node.input[0]) == axis % rank:
        raise form.refusal(node, "works along the stream")
    if node.op_type == "Gather" and form.follows(node.input[1:]):
        raise form.refusal(node, "picks by what the input holds")
    per_step(form, node)


def axis_of(node: NodeProto, default: int | None) -> int:
    """The axis that an operator works along, as it says it: counted from the end where it is negative."""
    found = attributes_of(node).get("axis", default)
    assert isinstance(found, int), f"{node.op_type} has an axis"
    return found


def _matmul(form: Building, node: NodeProto) -> None:
    times = [form.trace.time(name) for name in node.input[:2]]
    ranks = [len(form.trace.shape(name)) for name in node.input[:2]]
    mixed = (
        all(time is not None for time in times)
        or times[0] == ranks[0] - 1
        or (times[1] is not None and times[1] != ranks[1] - 1)
    )
    if mixed:
        raise form.refusal(node, "multiplies steps with steps, as attention does")
    per_step(form, node)


def _gemm(form: Building, node: NodeProto) -> None:
    attributes = attributes_of(node)
    first, second = (form.trace.time(name) for name in node.input[:2])
    rows = 1 if attributes.get("transA", 0) else 0
    if (
        second is not None
        or (first is not None and first != rows)
        or (len(node.input) > 2 and form.follows(node.input[2:]))
    ):
        raise form.refusal(node, "multiplies steps with steps")
    per_step(form, node)


def _normalization(form: Building, node: NodeProto) -> None:
    """A norm over the axes from one on: LayerNormalization, RMSNormalization."""
    shape, time = form.trace.shape(node.input[0]), form.trace.time(node.input[0])
    if time is not None and time >= axis_of(node, -1) % len(shape):
        raise form.refusal(node, "is a norm over the steps of the stream")
    per_step(form, node)


def _channel_norm(form: Building, node: NodeProto) -> None:
    if form.trace.time(node.input[0]) == 1:
        raise form.refusal(node, "has the stream for its channels")
    per_step(form, node)


def _reducing(form: Building, node: NodeProto) -> None:
    axes = attributes_of(node).get("axes")
    if axes is None and len(node.input) > 1 and node.input[1]:
        axes = form.trace.values(node.input[1])[0].tolist()
    rank, time = len(form.trace.shape(node.input[0])), form.trace.time(node.input[0])
    if time is not None and (not axes or time in [axis % rank for axis in axes]):
        raise form.refusal(node, "sums up the steps of the stream")
    per_step(form, node)


def attributes_of(node: NodeProto) -> dict[str, Any]:
    """The attributes of an operator that are there."""
    from onnx import helper

    return {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}


STEPWISE: dict[str, Handler] = {
    **dict.fromkeys(ELEMENTWISE, _elementwise),
    **dict.fromkeys(AXIS, _along),
    **dict.fromkeys(REDUCING, _reducing),
    **dict.fromkeys(("LayerNormalization", "RMSNormalization"), _normalization),
    **dict.fromkeys(("Unsqueeze", "Squeeze"), per_step),
    "BatchNormalization": _channel_norm,
    "Gemm": _gemm,
    "MatMul": _matmul,
}
"""The operators that are known, and the function that carries each over, or raises NoStatefulForm where it mixes steps."""
