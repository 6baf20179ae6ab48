"""Convolutions that reach far along an axis of unknown size, written so that OpenVINO has a fast kernel for them.

OpenVINO 2026.4 chooses the kernels of a CPU for axes of unknown size as if they had 64 steps. A convolution whose
window is longer than that, with its padding, has none there, and the reference implementation takes 100 to 500 times
as long. Zeros around its input, and as many steps cut off its output, change nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import openvino

ASSUMED = 64
"""Steps that OpenVINO assumes an axis of unknown size to have."""


def widen_long_convolutions(model: openvino.Model) -> int:
    """Pad each convolution with a window longer than :data:`ASSUMED` steps, in place, and return their number."""
    found = [node for node in model.get_ordered_ops() if node.get_type_name() == "Convolution"]
    return sum(_widen(node) for node in found)


def _widen(node: Any) -> bool:
    from openvino import opset13

    shape, kernel = node.input(0).get_partial_shape(), node.input(1).get_partial_shape()
    if shape.rank.is_dynamic or kernel.is_dynamic:
        return False
    attributes = node.get_attributes()
    if attributes["auto_pad"] not in ("explicit", "valid") or set(attributes["strides"]) != {1}:
        return False
    begins, ends, dilations = (list(attributes[name]) for name in ("pads_begin", "pads_end", "dilations"))
    cuts = []
    for axis, dilation in enumerate(dilations):
        window = dilation * (kernel[axis + 2].get_length() - 1) + 1
        missing = window - ASSUMED - begins[axis] - ends[axis]
        if shape[axis + 2].is_dynamic and missing > 0:
            cut = -(-missing // 2)
            begins[axis], ends[axis] = begins[axis] + cut, ends[axis] + cut
            cuts.append((axis + 2, cut))
    if not cuts:
        return False
    readers = list(node.output(0).get_target_inputs())
    inputs = [node.input_value(0), node.input_value(1)]
    wide = opset13.convolution(*inputs, attributes["strides"], begins, ends, dilations, name=node.get_friendly_name())
    starts, stops = [cut for _, cut in cuts], [-cut for _, cut in cuts]
    cropped = opset13.slice(wide, starts, stops, [1] * len(cuts), [axis for axis, _ in cuts])
    for reader in readers:
        reader.replace_source_output(cropped.output(0))
    return True
