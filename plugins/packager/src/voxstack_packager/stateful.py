"""The stateful form of a network: the same graph with state in and state out, made of its ONNX export.

Each operator that looks at neighbours along the stream gets a history: what it saw last, kept as a state from call to call,
and zeros before the first. It then runs without padding over ``[history ; new steps]``, and behind the last steps of a stream
over the zeros that its padding had there. So every step goes through every layer once, and joined calls give what the plain
network gives for the whole. Where branches of different delay meet, the earlier one waits in a history of its own.
Histories are as long as they come: nothing in the graph knows where in the stream it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxstack_packager.building import Building, StatefulForm
from voxstack_packager.errors import NoStatefulForm
from voxstack_packager.measure import MakeExamples
from voxstack_packager.neighbours import NEIGHBOURS
from voxstack_packager.shaping import SHAPING
from voxstack_packager.signature import Signed
from voxstack_packager.stepwise import STEPWISE
from voxstack_packager.tracing import Trace

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

HANDLERS = STEPWISE | SHAPING | NEIGHBOURS


def stateful_form(
    model: ModelProto, signed: Signed, examples: MakeExamples, axis: str, where: str, stream_input: str | None = None
) -> StatefulForm:
    """Make the stateful form of an ONNX export whose masks, if it has some, mark padding only.

    Convolutions of stride 1, constant padding, and everything that treats each step alike can be carried over; mask inputs
    drop out, as a stream has no padding.

    :param model: the export; its weights may be shared with the form, as they keep their names.
    :param signed: its inputs and outputs; ``examples`` makes inputs of given sizes.
    :param axis: the axis that is the stream.
    :param where: what to call the network in errors.
    :raises NoStatefulForm: naming the operator that mixes steps in another way, with which the network stays windowed.
    """
    from onnx import inliner

    version = next(one.version for one in model.opset_import if not one.domain)
    if version < 13:
        raise NoStatefulForm(
            where,
            f"it is of opset {version}, and those before 13 write axes otherwise; convert it (onnx.version_converter)",
        )
    model = inliner.inline_local_functions(model) if model.functions else model
    form = Building(model, Trace(model, signed, examples, axis, where), signed, axis, where)
    for node in model.graph.node:
        if any(attribute.HasField("g") or attribute.graphs for attribute in node.attribute):
            raise form.refusal(node, "holds graphs of its own")
        if form.follows(node.output):
            _carry_over(form, node)
    return form.finished(stream_input)


def _carry_over(form: Building, node: NodeProto) -> None:
    if node.domain not in ("", "ai.onnx"):
        raise form.refusal(node, f"is of the domain {node.domain!r}, whose operators are not known here")
    handler = HANDLERS.get(node.op_type)
    if handler is None:
        raise form.refusal(node, "is no operator that treats each step alike, nor a convolution of stride 1")
    handler(form, node)
