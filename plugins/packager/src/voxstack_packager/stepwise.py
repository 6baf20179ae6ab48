"""How operators are carried over that do to each step of a stream what they would do to it alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from voxstack_packager.building import Building, Fixed, Operand, Padded, Steps

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

AXIS = {"Softmax": -1, "LogSoftmax": -1, "Hardmax": -1, "LpNormalization": -1, "ArgMax": 0, "ArgMin": 0, "Split": 0, "Gather": 0}
"""Operators that work along one axis, and its default."""

REDUCING = frozenset(
    "ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare".split()
)


def operands_of(form: Building, node: NodeProto) -> list[Operand | None]:
    """The inputs of an operator that knows no padding; None where one is left out."""
    found = [form.operand(name) if name else None for name in node.input]
    if any(isinstance(one, Padded) for one in found):
        raise form.refusal(
            node, "takes a tensor padded along the stream, of which only convolutions and slices as long as the stream are known"
        )
    return found


def per_step(form: Building, node: NodeProto) -> None:
    """An operator that does to each step what it would do to it alone."""
    operands = operands_of(form, node)
    delay = max((one.delay for one in operands if isinstance(one, Steps)), default=0)
    ready = [form.later(one, delay) if isinstance(one, Steps) else one for one in operands]
    form.graph.copy(node, ["" if one is None else one.name for one in ready])  # type: ignore[union-attr]
    placed(form, node, any(isinstance(one, Steps) for one in ready), delay)


def placed(form: Building, node: NodeProto, steps: bool, delay: int) -> None:
    """Say what stands for the outputs of an operator that was copied.

    :raises NoStatefulForm: if steps went in and none come out.
    """
    for name in node.output:
        if not name:
            continue
        if steps and form.trace.time(name) is None:
            raise form.refusal(node, "sums up the steps of the stream")
        form.put(name, Steps(name, name, delay) if steps else Fixed(name))


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
    per_step(form, node)


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
    axis = _axis(node, AXIS[node.op_type])
    rank = len(form.trace.shape(node.input[0]))
    if form.trace.time(node.input[0]) == axis % rank:
        raise form.refusal(node, "works along the stream")
    if node.op_type == "Gather" and form.follows(node.input[1:]):
        raise form.refusal(node, "picks by what the input holds")
    per_step(form, node)


def _axis(node: NodeProto, default: int | None) -> int:
    found = attributes_of(node).get("axis", default)
    assert isinstance(found, int), f"{node.op_type} has an axis"
    return found


def _concat(form: Building, node: NodeProto) -> None:
    """Channels side by side; what is the same in all steps is repeated for each."""
    axis, output = _axis(node, None), node.output[0]
    if form.trace.time(output) == axis % len(form.trace.shape(output)) and form.trace.time(node.input[0]) is not None:
        raise form.refusal(node, "joins along the stream")
    operands = operands_of(form, node)
    moving = [one for one in operands if isinstance(one, Steps)]
    if not moving:
        per_step(form, node)
        return
    delay = max(one.delay for one in moving)
    ready = [form.later(one, delay) if isinstance(one, Steps) else one for one in operands]
    like = next(one for one in ready if isinstance(one, Steps))
    names = [form.spread(one, like, name) if isinstance(one, Fixed) else one.name for one, name in zip(ready, node.input, strict=True)]  # type: ignore[union-attr]
    form.graph.copy(node, names)
    placed(form, node, True, delay)


def _matmul(form: Building, node: NodeProto) -> None:
    times = [form.trace.time(name) for name in node.input[:2]]
    ranks = [len(form.trace.shape(name)) for name in node.input[:2]]
    mixed = all(time is not None for time in times) or times[0] == ranks[0] - 1 or (times[1] is not None and times[1] != ranks[1] - 1)
    if mixed:
        raise form.refusal(node, "multiplies steps with steps, as attention does")
    per_step(form, node)


def _gemm(form: Building, node: NodeProto) -> None:
    attributes = attributes_of(node)
    first, second = (form.trace.time(name) for name in node.input[:2])
    rows = 1 if attributes.get("transA", 0) else 0
    if second is not None or (first is not None and first != rows) or (len(node.input) > 2 and form.follows(node.input[2:])):
        raise form.refusal(node, "multiplies steps with steps")
    per_step(form, node)


def _normalization(form: Building, node: NodeProto) -> None:
    """A norm over the axes from one on: LayerNormalization, RMSNormalization."""
    shape, time = form.trace.shape(node.input[0]), form.trace.time(node.input[0])
    if time is not None and time >= _axis(node, -1) % len(shape):
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


def _expand(form: Building, node: NodeProto) -> None:
    """Repeating: what is the same in all steps is repeated where it meets steps, if it must be."""
    given, made = (form.trace.shape(name) for name in (node.input[0], node.output[0]))
    operand = form.operand(node.input[0])
    time, batch = form.trace.time(node.output[0]), form.trace.batch(node.output[0])
    repeated = [i for i, (a, b) in enumerate(zip(given, made, strict=False)) if a != b]
    free = isinstance(operand, Fixed) and len(given) == len(made) and all(i in (time, batch) for i in repeated)
    if given != made and not free:
        raise form.refusal(node, "repeats along other axes than the stream")
    form.put(node.output[0], operand)


def _reshape(form: Building, node: NodeProto) -> None:
    """Axes split and joined on either side of the steps."""
    source, output = node.input[0], node.output[0]
    time, time_out = form.trace.time(source), form.trace.time(output)
    batch, batch_out = form.trace.batch(source), form.trace.batch(output)
    pairs = list(zip(form.trace.values(source), form.trace.values(output), strict=True))
    stays = time_out is not None and time is not None
    if not stays or batch != batch_out or any(np.prod(a.shape[:time]) != np.prod(b.shape[:time_out]) for a, b in pairs):
        raise form.refusal(node, "mixes the steps of the stream with another axis")
    shape = [-1 if i == time_out else 0 if i == batch_out else size for i, size in enumerate(form.trace.shape(output))]
    operand = form.operand(source)
    if isinstance(operand, Padded):
        raise form.refusal(node, "takes a tensor padded along the stream")
    form.graph.add("Reshape", [operand.name, form.graph.constant(shape)], output)
    placed(form, node, isinstance(operand, Steps), operand.delay if isinstance(operand, Steps) else 0)


def attributes_of(node: NodeProto) -> dict[str, Any]:
    """The attributes of an operator that are there."""
    from onnx import helper

    return {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}


STEPWISE: dict[str, Handler] = {
    **dict.fromkeys(ELEMENTWISE, _elementwise),
    **dict.fromkeys(AXIS, _along),
    **dict.fromkeys(REDUCING, _reducing),
    **dict.fromkeys(("LayerNormalization", "RMSNormalization"), _normalization),
    **dict.fromkeys(("Transpose", "Unsqueeze", "Squeeze"), per_step),
    **dict.fromkeys(("Reshape", "Flatten"), _reshape),
    "BatchNormalization": _channel_norm,
    "Concat": _concat,
    "Expand": _expand,
    "Gemm": _gemm,
    "MatMul": _matmul,
}
"""The operators that are known, and the function that carries each over, or raises NoStatefulForm where it mixes steps."""
