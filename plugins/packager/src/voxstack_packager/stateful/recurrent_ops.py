"""Conversion of recurrences, whose states go from call to call as they go from step to step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxstack.networks import Tensor
from voxstack_packager.stateful.operands import StaticTensor, StreamTensor
from voxstack_packager.stateful.operators import Handler, attributes_of, operands_of
from voxstack_packager.stateful.stateful_builder import StatefulBuilder

if TYPE_CHECKING:
    from onnx import NodeProto

WEIGHTS = slice(1, 4)
LENGTHS, FIRST_STATES = 4, 5
"""Positions of the inputs of an operator: W, R and B; the lengths of rows; the states before the first step."""


def _convert_recurrence(builder: StatefulBuilder, node: NodeProto) -> None:
    """Convert an ``LSTM``, ``GRU`` or ``RNN`` that reads the stream forwards."""
    attributes, outputs = attributes_of(node), [*node.output, "", ""][:3]
    if attributes.get("direction", b"forward") != b"forward":
        raise builder.refusal(node, "reads the stream backwards, from an end that is not known before it comes")
    if (len(node.input) > LENGTHS and node.input[LENGTHS]) or attributes.get("layout", 0):
        raise builder.refusal(node, "has lengths of rows, or another layout than (steps, batch, features)")
    if any(builder.is_read(name) for name in outputs[1:]):
        raise builder.refusal(node, "gives its last state to other operators, and that is known only at the end")
    if builder.trace.time_axis(node.input[0]) != 0:
        raise builder.refusal(node, "steps along another axis than the stream")
    source, *others = operands_of(builder, node)
    assert isinstance(source, StreamTensor), "the stream is its first axis"
    source = builder.transpose(source)
    states = [_state(builder, node, i, source) for i in range(2 if node.op_type == "LSTM" else 1)]
    weights = ["" if operand is None else operand.name for operand in others[WEIGHTS.start - 1 : WEIGHTS.stop - 1]]
    weights += [""] * (3 - len(weights))
    may_be_empty = builder.late and not source.delay
    steps = _never_empty(builder, source) if may_be_empty else source.name
    copied = builder.graph.copy(node, [steps, *weights, "", *(before for before, _ in states)])
    names = [outputs[0], *(builder.graph.new_name("state") for _ in states)]
    if may_be_empty:
        names[0] = builder.graph.new_name("longer")
    copied.output[:] = names
    for name, (_, following) in zip(names[1:], states, strict=True):
        builder.graph.add("Squeeze", [name, builder.graph.constant([0])], following)
    if may_be_empty:
        steps = builder.graph.add("Shape", [source.name], start=0, end=1)
        zero = builder.graph.constant([0])
        builder.graph.add("Slice", [names[0], zero, steps, zero], outputs[0])
    builder.set_operand(outputs[0], StreamTensor(outputs[0], outputs[0], source.delay))


def _never_empty(builder: StatefulBuilder, source: StreamTensor) -> str:
    """Return a stream with one more step in the last call, which may have none: ONNX Runtime 1.32 aborts then."""
    return builder.graph.add("Concat", [source.name, builder.histories.end_padding(source, 1)], axis=0)


def _state(builder: StatefulBuilder, node: NodeProto, i: int, source: StreamTensor) -> tuple[str, str]:
    """Add a state; return its value before the first step of a call, and the output that becomes its next value."""
    hidden = int(attributes_of(node)["hidden_size"])
    dtype = str(builder.trace.first(node.input[0]).dtype)
    tensor = Tensor(dtype, ("batch", hidden))
    name, following = builder.histories.add_state(tensor)
    value = builder.graph.add("Unsqueeze", [name, builder.graph.constant([0])])
    first = node.input[FIRST_STATES + i] if len(node.input) > FIRST_STATES + i else ""
    known = builder.static_value(first) if first else None
    if not first or (known is not None and not known.any()):
        return value, following
    operand = builder.operand(first)
    if not isinstance(operand, StaticTensor):
        raise builder.refusal(node, "begins with a state that depends on the stream")
    begun = builder.graph.add("Cast", [builder.histories.begun(source, 1)], to=9)  # bool
    return builder.graph.add("Where", [begun, value, operand.name]), following


RECURRENT_OPS: dict[str, Handler] = dict.fromkeys(("LSTM", "GRU", "RNN"), _convert_recurrence)
"""Supported operators, and the function that converts each of them."""
