"""How each ONNX operator is carried over into a stateful graph, or why it cannot be."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from voxstack_packager.stateful import END, Building, Fixed, Operand, Padded, Steps

if TYPE_CHECKING:
    from onnx import NodeProto

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


def handle(form: Building, node: NodeProto) -> None:
    """Carry an operator over.

    :raises PackagingError: if it mixes steps in a way that has no state of a known length.
    """
    if node.domain not in ("", "ai.onnx"):
        raise form.refusal(node, f"is of the domain {node.domain!r}, whose operators are not known here")
    handler = _HANDLERS.get(node.op_type)
    if handler is None:
        raise form.refusal(node, "is no operator that treats each step alike, nor a convolution of stride 1")
    handler(form, node)


def _operands(form: Building, node: NodeProto) -> list[Operand | None]:
    """The inputs of an operator that knows no padding; None where one is left out."""
    found = [form.operand(name) if name else None for name in node.input]
    if any(isinstance(one, Padded) for one in found):
        raise form.refusal(
            node, "takes a tensor padded along the stream, of which only convolutions and slices as long as the stream are known"
        )
    return found


def _per_step(form: Building, node: NodeProto) -> None:
    """An operator that does to each step what it would do to it alone."""
    operands = _operands(form, node)
    delay = max((one.delay for one in operands if isinstance(one, Steps)), default=0)
    ready = [form.later(one, delay) if isinstance(one, Steps) else one for one in operands]
    form.copy(node, ["" if one is None else one.name for one in ready])  # type: ignore[union-attr]
    _placed(form, node, any(isinstance(one, Steps) for one in ready), delay)


def _placed(form: Building, node: NodeProto, steps: bool, delay: int) -> None:
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
    _per_step(form, node)


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
    _per_step(form, node)


def _axis(node: NodeProto, default: int | None) -> int:
    found = _attributes(node).get("axis", default)
    assert isinstance(found, int), f"{node.op_type} has an axis"
    return found


def _concat(form: Building, node: NodeProto) -> None:
    """Channels side by side; what is the same in all steps is repeated for each."""
    axis, output = _axis(node, None), node.output[0]
    if form.trace.time(output) == axis % len(form.trace.shape(output)) and form.trace.time(node.input[0]) is not None:
        raise form.refusal(node, "joins along the stream")
    operands = _operands(form, node)
    moving = [one for one in operands if isinstance(one, Steps)]
    if not moving:
        _per_step(form, node)
        return
    delay = max(one.delay for one in moving)
    ready = [form.later(one, delay) if isinstance(one, Steps) else one for one in operands]
    like = next(one for one in ready if isinstance(one, Steps))
    names = [form.spread(one, like, name) if isinstance(one, Fixed) else one.name for one, name in zip(ready, node.input, strict=True)]  # type: ignore[union-attr]
    form.copy(node, names)
    _placed(form, node, True, delay)


def _matmul(form: Building, node: NodeProto) -> None:
    times = [form.trace.time(name) for name in node.input[:2]]
    ranks = [len(form.trace.shape(name)) for name in node.input[:2]]
    mixed = all(time is not None for time in times) or times[0] == ranks[0] - 1 or (times[1] is not None and times[1] != ranks[1] - 1)
    if mixed:
        raise form.refusal(node, "multiplies steps with steps, as attention does")
    _per_step(form, node)


def _gemm(form: Building, node: NodeProto) -> None:
    attributes = _attributes(node)
    first, second = (form.trace.time(name) for name in node.input[:2])
    rows = 1 if attributes.get("transA", 0) else 0
    if second is not None or (first is not None and first != rows) or (len(node.input) > 2 and form.follows(node.input[2:])):
        raise form.refusal(node, "multiplies steps with steps")
    _per_step(form, node)


def _normalization(form: Building, node: NodeProto) -> None:
    """A norm over the axes from one on: LayerNormalization, RMSNormalization."""
    shape, time = form.trace.shape(node.input[0]), form.trace.time(node.input[0])
    if time is not None and time >= _axis(node, -1) % len(shape):
        raise form.refusal(node, "is a norm over the steps of the stream")
    _per_step(form, node)


def _channel_norm(form: Building, node: NodeProto) -> None:
    if form.trace.time(node.input[0]) == 1:
        raise form.refusal(node, "has the stream for its channels")
    _per_step(form, node)


def _reducing(form: Building, node: NodeProto) -> None:
    axes = _attributes(node).get("axes")
    if axes is None and len(node.input) > 1 and node.input[1]:
        axes = form.trace.values(node.input[1])[0].tolist()
    rank, time = len(form.trace.shape(node.input[0])), form.trace.time(node.input[0])
    if time is not None and (not axes or time in [axis % rank for axis in axes]):
        raise form.refusal(node, "sums up the steps of the stream")
    _per_step(form, node)


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
    (operand,) = _operands(form, node)[:1]
    assert isinstance(operand, Steps | Fixed)
    form.add("Reshape", [operand.name, form.constant(shape)], output)
    _placed(form, node, isinstance(operand, Steps), operand.delay if isinstance(operand, Steps) else 0)


def _slice(form: Building, node: NodeProto) -> None:
    """Channels cut out; or, of a padded tensor, a slice as long as the stream: the stream some steps before or after."""
    operand, source = form.operand(node.input[0]), node.input[0]
    time, cuts = form.trace.time(source), _cuts(form, node)
    along = cuts.pop(time, (0, 0)) if time is not None else (0, 0)
    if isinstance(operand, Padded):
        if sum(along) != operand.left + operand.right:
            raise form.refusal(node, "takes a slice of a padded tensor that is not as long as the stream")
        whole = form.joined(operand.source, operand.left, operand.right)
        assert time is not None, "what is padded has steps"
        name = form.slice(whole, {time: (along[0], -along[1] or END), **cuts})
        form.put(node.output[0], Steps(name, node.output[0], operand.source.delay + operand.right))
        return
    if along != (0, 0):
        raise form.refusal(node, "cuts steps of the stream off")
    name = form.slice(operand.name, cuts) if cuts else operand.name
    form.put(node.output[0], Steps(name, node.output[0], operand.delay) if isinstance(operand, Steps) else Fixed(name))


def _cuts(form: Building, node: NodeProto) -> dict[int, tuple[int, int]]:
    """What a Slice of step 1 takes, by axis: from where to where, or, along the stream, how much it leaves out at either end.

    :raises PackagingError: if that depends on the length, or goes in other steps than 1.
    """
    rank, time = len(form.trace.shape(node.input[0])), form.trace.time(node.input[0])
    found = []
    for run, data in enumerate(form.trace.values(node.input[0])):
        starts, ends, *more = (form.trace.values(name)[run].tolist() if name else None for name in node.input[1:])
        axes = more[0] if more and more[0] else list(range(len(starts)))
        if len(more) > 1 and more[1] and any(step != 1 for step in more[1]):
            raise form.refusal(node, "takes every other place, or goes backwards")
        cuts = {}
        for axis, start, end in zip([axis % rank for axis in axes], starts, ends, strict=True):
            first, last, _ = slice(start, end).indices(data.shape[axis])
            cuts[axis] = (first, data.shape[axis] - max(first, last)) if axis == time else (first, last)
        found.append(cuts)
    if any(cuts != found[0] for cuts in found):
        raise form.refusal(node, "cuts at places that depend on the length")
    return found[0]


def _pad(form: Building, node: NodeProto) -> None:
    operands = _operands(form, node)
    source, time = node.input[0], form.trace.time(node.input[0])
    rank = len(form.trace.shape(source))
    pads = form.trace.values(node.input[1])[0].tolist()
    axes = form.trace.values(node.input[3])[0].tolist() if len(node.input) > 3 and node.input[3] else list(range(rank))
    around = {axis % rank: (pads[i], pads[i + len(axes)]) for i, axis in enumerate(axes)}
    along = around.pop(time, (0, 0)) if time is not None else (0, 0)
    if along == (0, 0):
        _per_step(form, node)
        return
    zero = len(node.input) < 3 or not node.input[2] or not np.any(form.trace.values(node.input[2])[0])
    if _attributes(node).get("mode", b"constant") != b"constant" or not zero or min(along) < 0:
        raise form.refusal(node, "pads the stream with something else than zeros")
    if any(map(any, around.values())) or not isinstance(operands[0], Steps) or not form.trace.same(node.input[1]):
        raise form.refusal(node, "pads other axes together with the stream")
    form.put(node.output[0], Padded(operands[0], *along))


def _conv(form: Building, node: NodeProto) -> None:
    """A convolution: without padding, over its history and what is new."""
    operand, time = form.operand(node.input[0]), form.trace.time(node.input[0])
    if isinstance(operand, Fixed) or time is None:
        if time is not None:
            raise form.refusal(node, "looks at the neighbours of what is the same in all steps, but for its ends")
        _per_step(form, node)
        return
    attributes, kernel = _attributes(node), form.trace.shape(node.input[1])[2:]
    place, count = time - 2, len(kernel)
    if place < 0 or form.follows(node.input[1:]):
        raise form.refusal(node, "has the stream for its batch, its channels or its weights")
    pads = list(attributes.get("pads", [0] * (2 * count)))
    if attributes.get("auto_pad", b"NOTSET") not in (b"NOTSET", b"VALID") or attributes.get("strides", [1] * count)[place] != 1:
        raise form.refusal(node, "has a stride, or a padding (auto_pad) that depends on the length")
    reach = attributes.get("dilations", [1] * count)[place] * (kernel[place] - 1)
    source, left, right = (operand, 0, 0) if isinstance(operand, Steps) else (operand.source, operand.left, operand.right)
    left, right = left + pads[place], right + pads[place + count]
    if left + right != reach or min(left, right) < 0:
        raise form.refusal(node, f"gives {left + right - reach:+d} steps, counted over the whole stream; pad it so that the length stays")
    pads[place] = pads[place + count] = 0
    name = form.joined(source, left, right) if reach else source.name
    weights = [one.name if isinstance(one := form.operand(given), Fixed) else "" for given in node.input[1:]]
    made = form.copy(node, [name, *weights])
    _set(made, pads=pads, auto_pad="NOTSET")
    form.put(node.output[0], Steps(node.output[0], node.output[0], source.delay + right))


def _attributes(node: NodeProto) -> dict[str, Any]:
    from onnx import helper

    return {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}


def _set(node: NodeProto, **attributes: Any) -> None:
    from onnx import helper

    kept = [attribute for attribute in node.attribute if attribute.name not in attributes]
    del node.attribute[:]
    node.attribute.extend([*kept, *(helper.make_attribute(name, value) for name, value in attributes.items())])


_HANDLERS: dict[str, Callable[[Building, Any], None]] = {
    **dict.fromkeys(ELEMENTWISE, _elementwise),
    **dict.fromkeys(AXIS, _along),
    **dict.fromkeys(REDUCING, _reducing),
    **dict.fromkeys(("LayerNormalization", "RMSNormalization"), _normalization),
    **dict.fromkeys(("Transpose", "Unsqueeze", "Squeeze"), _per_step),
    **dict.fromkeys(("Reshape", "Flatten"), _reshape),
    "BatchNormalization": _channel_norm,
    "Concat": _concat,
    "Conv": _conv,
    "Expand": _expand,
    "Gemm": _gemm,
    "MatMul": _matmul,
    "Pad": _pad,
    "Slice": _slice,
}
