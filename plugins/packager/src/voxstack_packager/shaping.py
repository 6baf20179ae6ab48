"""How operators are carried over that compute nothing: they only say which axis is which."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from voxstack_packager.building import Building
from voxstack_packager.operands import Fixed, Padded, Steps
from voxstack_packager.stepwise import (
    Handler,
    attributes_of,
    axis_of,
    in_common,
    operands_of,
    per_step,
    placed,
    together,
)

if TYPE_CHECKING:
    from onnx import NodeProto


def _concat(form: Building, node: NodeProto) -> None:
    """Channels side by side; what is the same in all steps is repeated for each."""
    axis, output = axis_of(node, None), node.output[0]
    if form.trace.time(output) == axis % len(form.trace.shape(output)) and form.trace.time(node.input[0]) is not None:
        raise form.refusal(node, "joins along the stream")
    operands = operands_of(form, node)
    moving = [one for one in operands if isinstance(one, Steps)]
    if not moving:
        per_step(form, node)
        return
    turned = in_common(operands) if len(moving) == len(operands) else ()
    ready, delay = together(form, operands, turned)
    like = next(one for one in ready if isinstance(one, Steps))
    names = [
        form.spread(one, like, name) if isinstance(one, Fixed) else one.name
        for one, name in zip(ready, node.input, strict=True)
    ]  # type: ignore[union-attr]
    form.graph.add("Concat", names, output, axis=like.axis(axis % len(form.trace.shape(output))))
    placed(form, node, True, delay, turned)


def _transpose(form: Building, node: NodeProto) -> None:
    """Steps that are turned once something needs them to be."""
    (operand,) = operands_of(form, node)
    if not isinstance(operand, Steps):
        per_step(form, node)
        return
    rank = len(form.trace.shape(node.input[0]))
    axes = tuple(map(operand.axis, attributes_of(node).get("perm", range(rank)[::-1])))
    turned = () if axes == tuple(range(rank)) else axes
    form.put(node.output[0], Steps(operand.name, node.output[0], operand.delay, turned))


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
    if time is None and time_out is None:
        per_step(form, node)
        return
    stays = time_out is not None and time is not None
    if not stays or batch != batch_out or any(np.prod(a.shape[:time]) != np.prod(b.shape[:time_out]) for a, b in pairs):
        raise form.refusal(node, "mixes the steps of the stream with another axis")
    shape = [-1 if i == time_out else 0 if i == batch_out else size for i, size in enumerate(form.trace.shape(output))]
    operand = form.operand(source)
    if isinstance(operand, Padded):
        raise form.refusal(node, "takes a tensor padded along the stream")
    operand = form.upright(operand) if isinstance(operand, Steps) else operand
    form.graph.add("Reshape", [operand.name, form.graph.constant(shape)], output)
    placed(form, node, isinstance(operand, Steps), operand.delay if isinstance(operand, Steps) else 0)


SHAPING: dict[str, Handler] = {
    **dict.fromkeys(("Reshape", "Flatten"), _reshape),
    "Concat": _concat,
    "Expand": _expand,
    "Transpose": _transpose,
}
"""The operators that are known, and the function that carries each over, or raises NoStatefulForm where it mixes steps."""
