"""Checks of the sizes of arrays, of masks, and of the lengths of output axes."""

from __future__ import annotations

from collections.abc import Iterator

from voxstack_addon_spec.checks.finding import Finding, Path, Spec, axes, elements
from voxstack_addon_spec.limits import MAX_ELEMENTS
from voxstack_addon_spec.wording import did_you_mean, short_repr


def array_findings(spec: Spec, path: Path) -> Iterator[Finding]:
    """Yield the inputs and outputs that have too many elements, whatever the lengths of their named axes."""
    for side in ("inputs", "outputs"):
        for name, array in spec[side].items():
            count = elements(array["shape"])
            if count > MAX_ELEMENTS:
                problem = f"has {count} elements in its fixed lengths, and at most {MAX_ELEMENTS} are allowed"
                yield (*path, side, name, "shape"), f"{problem}; shorten one of them"


def mask_findings(inputs: Spec, path: Path) -> Iterator[Finding]:
    """Yield the masks whose last axis has no name, or is not an axis of another input."""
    known = axes(spec for spec in inputs.values() if not spec.get("mask"))
    for name, spec in inputs.items():
        if not spec.get("mask"):
            continue
        last = spec["shape"][-1] if spec["shape"] else None
        here = (*path, name, "shape")
        if not isinstance(last, str):
            yield here, "a mask marks the steps of its last axis, so that axis must have a name; name it"
        elif last not in known:
            advice = did_you_mean(last, known, "name the axis whose padding it marks")
            yield here, f"masks axis {last!r}, which no other input has{advice}"


def length_findings(spec: Spec, path: Path) -> Iterator[Finding]:
    """Yield the ``lengths`` that are not of an output axis, or not in terms of an input axis."""
    input_axes = axes(spec["inputs"].values())
    free = [axis for axis in axes(spec["outputs"].values()) if axis not in input_axes]
    for name, length in spec.get("lengths", {}).items():
        if name not in free:
            advice = did_you_mean(name, free, f"write one of {short_repr(free)}" if free else "remove it")
            yield (*path, "lengths", name), f"{name!r} is not an axis that only outputs have{advice}"
        axis = length["axis"]
        if axis not in input_axes:
            advice = did_you_mean(axis, input_axes, "name an axis of an input")
            yield (*path, "lengths", name, "axis"), f"no input has axis {axis!r}{advice}"
