"""The stateful form of a network, made of its ONNX export.

Each operator that reads neighbouring steps gets a history: the last steps that it received, kept as a state from call
to call, and zeros before the first. It then runs without padding over ``[history ; new steps]`` and, after the last
steps of a stream, over the zeros of its padding. So every layer computes every step once, and joined calls produce
what the plain network produces for the whole. Where branches of different delay meet, the earlier one waits in a
history of its own. Histories have whatever length a call brings: nothing in the graph depends on the position in the
stream.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxstack_packager.errors import NoStatefulForm
from voxstack_packager.signature import MakeExamples, SignatureLike
from voxstack_packager.stateful.conv_ops import CONV_OPS
from voxstack_packager.stateful.graph_trace import GraphTrace
from voxstack_packager.stateful.pointwise_ops import POINTWISE_OPS
from voxstack_packager.stateful.recurrent_ops import RECURRENT_OPS
from voxstack_packager.stateful.shape_ops import SHAPE_OPS
from voxstack_packager.stateful.slice_ops import SLICE_OPS
from voxstack_packager.stateful.stateful_builder import StatefulBuilder, StatefulForm

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

HANDLERS = POINTWISE_OPS | SHAPE_OPS | SLICE_OPS | CONV_OPS | RECURRENT_OPS
OLDEST_OPSET = 13


def stateful_form(
    model: ModelProto,
    signature: SignatureLike,
    examples: MakeExamples,
    axis: str,
    where: str,
    stream_input: str | None = None,
) -> StatefulForm:
    """Return the stateful form of an ONNX export whose masks, if it has any, only mark padding.

    Convolutions of stride 1, constant padding, recurrences that read forwards, and every operator that treats each
    step alike can be converted; mask inputs drop out, as a stream has no padding.

    :param model: the export; its weights may be shared with the form, as they keep their names.
    :param signature: its inputs and outputs; ``examples`` returns inputs of the sizes that it receives.
    :param axis: the axis that is the stream.
    :param where: name of the network in errors.
    :param stream_input: the input that is the stream, where several have that axis.
    :raises NoStatefulForm: naming the operator that mixes steps in another way; such a network stays windowed.
    """
    from onnx import inliner

    opset = next(entry.version for entry in model.opset_import if not entry.domain)
    if opset < OLDEST_OPSET:
        why = f"it is of opset {opset}, and those before {OLDEST_OPSET} write axes otherwise"
        raise NoStatefulForm(where, f"{why}; convert it (onnx.version_converter)")
    model = inliner.inline_local_functions(model) if model.functions else model
    trace = GraphTrace(model, signature, examples, axis, where)
    form = _converted(model, StatefulBuilder(model, trace, signature, axis, where), stream_input)
    recurrent = any(node.op_type in RECURRENT_OPS for node in model.graph.node)
    if not (recurrent and form.streaming["right"]):
        return form
    return _converted(model, StatefulBuilder(model, trace, signature, axis, where, late=True), stream_input)


def _converted(model: ModelProto, builder: StatefulBuilder, stream_input: str | None) -> StatefulForm:
    for node in model.graph.node:
        if any(attribute.HasField("g") or attribute.graphs for attribute in node.attribute):
            raise builder.refusal(node, "contains graphs of its own")
        if builder.depends_on_data(node.output):
            _convert(builder, node)
    return builder.build(stream_input)


def _convert(builder: StatefulBuilder, node: NodeProto) -> None:
    if node.domain not in ("", "ai.onnx"):
        raise builder.refusal(node, f"is of the domain {node.domain!r}, whose operators are not supported")
    handler = HANDLERS.get(node.op_type)
    if handler is None:
        raise builder.refusal(
            node, "is not an operator that treats each step alike, nor a convolution of stride 1 or a recurrence"
        )
    handler(builder, node)
