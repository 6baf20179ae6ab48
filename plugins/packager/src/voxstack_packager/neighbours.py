"""How operators are carried over that look at neighbours along the stream: convolutions, padding, slices."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from voxstack_packager.building import Building
from voxstack_packager.depthwise import add_depthwise, is_depthwise
from voxstack_packager.graph import END
from voxstack_packager.operands import Fixed, Padded, Steps
from voxstack_packager.stepwise import Handler, attributes_of, per_step

if TYPE_CHECKING:
    from onnx import NodeProto


def _slice(form: Building, node: NodeProto) -> None:
    """Channels cut out; or, of a padded tensor, a slice as long as the stream: the stream some steps before or after."""
    operand, source = form.operand(node.input[0]), node.input[0]
    time = form.trace.time(source)
    if _strides(form, node):
        per_step(form, node)
        return
    cuts = _cuts(form, node)
    along = cuts.pop(time, (0, 0)) if time is not None else (0, 0)
    if isinstance(operand, Padded):
        if sum(along) != operand.left + operand.right:
            raise form.refusal(node, "takes a slice of a padded tensor that is not as long as the stream")
        whole = form.joined(operand.source, operand.left, operand.right)
        assert time is not None, "what is padded has steps"
        cut = replace(whole, delay=whole.delay + operand.right)
        form.put(node.output[0], _sliced(form, node, cut, {time: (along[0], -along[1] or END), **cuts}))
        return
    if along != (0, 0):
        raise form.refusal(node, "cuts steps of the stream off")
    form.put(node.output[0], _sliced(form, node, operand, cuts) if cuts else operand)


def _sliced(form: Building, node: NodeProto, source: Steps | Fixed, cuts: dict[int, tuple[int, int]]) -> Steps | Fixed:
    if isinstance(source, Fixed):
        return Fixed(form.graph.slice(source.name, cuts))
    name = form.graph.slice(source.name, {source.axis(axis): cut for axis, cut in cuts.items()})
    return replace(source, name=name, like=node.output[0])


def _strides(form: Building, node: NodeProto) -> bool:
    """Whether a Slice goes in other steps than 1, such as backwards through the channels.

    :raises NoStatefulForm: if it also takes a part of the stream.
    """
    if len(node.input) < 5 or (form.trace.values(node.input[4])[0] == 1).all():
        return False
    time, rank = form.trace.time(node.input[0]), len(form.trace.shape(node.input[0]))
    axes = (
        form.trace.values(node.input[3])[0].tolist()
        if node.input[3]
        else range(len(form.trace.values(node.input[1])[0]))
    )
    if time in [axis % rank for axis in axes] or isinstance(form.operand(node.input[0]), Padded):
        raise form.refusal(node, "takes every other step of the stream, or goes backwards")
    return True


def _cuts(form: Building, node: NodeProto) -> dict[int, tuple[int, int]]:
    """What a Slice of step 1 takes, by axis: from where to where, or, along the stream, how much it leaves out at either end.

    :raises NoStatefulForm: if that depends on the length.
    """
    rank, time = len(form.trace.shape(node.input[0])), form.trace.time(node.input[0])
    found = []
    for run, data in enumerate(form.trace.values(node.input[0])):
        starts, ends, *more = (form.trace.values(name)[run].tolist() if name else [] for name in node.input[1:])
        axes = (more[0] if more else []) or list(range(len(starts)))
        cuts = {}
        for axis, start, end in zip([axis % rank for axis in axes], starts, ends, strict=True):
            size = data.shape[axis]
            first, last, _ = slice(start, end).indices(size)
            if axis == time:
                cuts[axis] = (first, size - max(first, last))
            elif (first, last) != (0, size):  # all of the batch, say, whatever its size
                cuts[axis] = (first, last)
        found.append(cuts)
    if any(cuts != found[0] for cuts in found):
        raise form.refusal(node, "cuts at places that depend on the length")
    return found[0]


def _pad(form: Building, node: NodeProto) -> None:
    """Zeros around the stream, or around channels."""
    operand = form.operand(node.input[0])
    source, time = node.input[0], form.trace.time(node.input[0])
    rank = len(form.trace.shape(source))
    pads = form.trace.values(node.input[1])[0].tolist()
    axes = form.trace.values(node.input[3])[0].tolist() if len(node.input) > 3 and node.input[3] else list(range(rank))
    around = {axis % rank: (pads[i], pads[i + len(axes)]) for i, axis in enumerate(axes)}
    along = around.pop(time, (0, 0)) if time is not None else (0, 0)
    if along == (0, 0):
        per_step(form, node)
        return
    zero = len(node.input) < 3 or not node.input[2] or not np.any(form.trace.values(node.input[2])[0])
    if attributes_of(node).get("mode", b"constant") != b"constant" or not zero or min(along) < 0:
        raise form.refusal(node, "pads the stream with something else than zeros")
    if any(map(any, around.values())) or not isinstance(operand, Steps) or not form.trace.same(node.input[1]):
        raise form.refusal(node, "pads other axes together with the stream")
    form.put(node.output[0], Padded(operand, *along))


def _conv(form: Building, node: NodeProto) -> None:
    """A convolution: without padding, over its history and what is new."""
    operand, time = form.operand(node.input[0]), form.trace.time(node.input[0])
    if isinstance(operand, Fixed) or time is None:
        if time is not None:
            raise form.refusal(node, "looks at the neighbours of what is the same in all steps, but for its ends")
        per_step(form, node)
        return
    attributes, kernel = attributes_of(node), form.trace.shape(node.input[1])[2:]
    place, count = time - 2, len(kernel)
    if place < 0 or form.follows(node.input[1:]):
        raise form.refusal(node, "has the stream for its batch, its channels or its weights")
    pads = list(attributes.get("pads", [0] * (2 * count)))
    if (
        attributes.get("auto_pad", b"NOTSET") not in (b"NOTSET", b"VALID")
        or attributes.get("strides", [1] * count)[place] != 1
    ):
        raise form.refusal(node, "has a stride, or a padding (auto_pad) that depends on the length")
    reach = attributes.get("dilations", [1] * count)[place] * (kernel[place] - 1)
    source, left, right = (
        (operand, 0, 0) if isinstance(operand, Steps) else (operand.source, operand.left, operand.right)
    )
    left, right = left + pads[place], right + pads[place + count]
    if left + right != reach or min(left, right) < 0:
        raise form.refusal(
            node,
            f"gives {left + right - reach:+d} steps, counted over the whole stream; pad it so that the length stays",
        )
    given = form.joined(source, left, right) if reach else source
    weights = [one.name if isinstance(one := form.operand(name), Fixed) else "" for name in node.input[1:]]
    if is_depthwise(form, node):
        place, (made, steps) = 1, add_depthwise(form, node, given, weights)
    else:
        pads[place] = pads[place + count] = 0
        _set(form.graph.copy(node, [form.upright(given).name, *weights]), pads=pads, auto_pad="NOTSET")
        made, steps = node.output[0], Steps(node.output[0], node.output[0], 0)
    if source.delay + right == 0:
        form.early(made, place)
    form.put(node.output[0], replace(steps, delay=source.delay + right))


def _set(node: NodeProto, **attributes: Any) -> None:
    from onnx import helper

    kept = [attribute for attribute in node.attribute if attribute.name not in attributes]
    del node.attribute[:]
    node.attribute.extend([*kept, *(helper.make_attribute(name, value) for name, value in attributes.items())])


NEIGHBOURS: dict[str, Handler] = {"Conv": _conv, "Pad": _pad, "Slice": _slice}
"""The operators that are known, and the function that carries each over, or raises NoStatefulForm where it cannot."""
