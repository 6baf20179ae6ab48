"""Checks of the ``streaming`` of a network, and of its stateful form against the network itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from voxstack_addon_spec.checks.finding import Finding, Path, Spec, axes, signature
from voxstack_addon_spec.checks.states import state_findings
from voxstack_addon_spec.wording import did_you_mean


def streaming_findings(spec: Spec, path: Path) -> Iterator[Finding]:
    """Yield what is wrong with the streaming of one form of a network, beyond the schema."""
    streaming, here = spec["streaming"], (*path, "streaming")
    if "states" in streaming:
        yield from _end_findings(spec, here)
        yield from state_findings(spec, streaming["states"], here)
        if not _streamed_outputs(spec):
            problem = "every output is a state, so the network yields nothing; add an output that is not a state"
            yield (*here, "states"), problem
    axis = streaming["axis"]
    arrays = _needed_inputs(spec)
    candidates = [name for name, array in arrays.items() if axis in array["shape"]]
    if not candidates:
        advice = did_you_mean(axis, axes(arrays.values()), "name an axis of the input that is the stream")
        yield (*here, "axis"), f"no input other than masks has axis {axis!r}{advice}"
    elif "input" in streaming:
        if streaming["input"] not in candidates:
            names = " or ".join(repr(name) for name in candidates)
            yield (*here, "input"), f"{streaming['input']!r} is not an input with axis {axis!r}; write {names}"
    elif len(candidates) > 1:
        names = " and ".join(repr(name) for name in candidates)
        yield here, f"inputs {names} have axis {axis!r}; set 'input' to the one that is the stream"
    yield from _axis_findings(spec, here)


def stateful_form_findings(spec: Spec, path: Path) -> Iterator[Finding]:
    """Yield the places where the stateful form of a network is not the same network."""
    form, here = spec["stateful"], (*path, "stateful")
    if "streaming" not in spec or "states" in spec["streaming"]:
        problem = "only a network that streams in windows has a stateful form"
        yield here, f"{problem}; give the network a 'streaming' with left, right and hop"
        return
    for key in ("axis", "hop"):
        if form["streaming"][key] != spec["streaming"][key]:
            problem = f"is {spec['streaming'][key]!r} in the network's own streaming; write the same"
            yield (*here, "streaming", key), problem
    stream, own = _stream_input(form), _stream_input(spec)
    if stream != own:
        problem = f"the stream goes to {stream!r}, but to {own!r} in the network's own streaming; write the same"
        yield (*here, "streaming"), problem
    inputs = _needed_inputs(spec)
    for name, array in _needed_inputs(form).items():
        if inputs.get(name) != array:
            advice = did_you_mean(name, inputs, "give both the same inputs")
            yield (*here, "inputs", name), f"the network itself has no such input{advice}"
    expected, outputs = (
        {name: signature(array) for name, array in _streamed_outputs(network).items()} for network in (spec, form)
    )
    if outputs != expected:
        problem = f"the network itself has the outputs {sorted(expected)}"
        yield (*here, "outputs"), f"{problem}; give the same ones with the same types, besides states"


def _needed_inputs(spec: Spec) -> dict[str, Any]:
    """Return the inputs that callers provide: no masks, no states, no end flag."""
    streaming = spec["streaming"]
    filled = {*streaming.get("states", ()), streaming.get("end")}
    return {name: array for name, array in spec["inputs"].items() if name not in filled and not array.get("mask")}


def _streamed_outputs(spec: Spec) -> dict[str, Any]:
    """Return the outputs that are not states."""
    carried = {state["next"] for state in spec["streaming"].get("states", {}).values()}
    return {name: array for name, array in spec["outputs"].items() if name not in carried}


def _stream_input(spec: Spec) -> str | None:
    candidates = (name for name, array in _needed_inputs(spec).items() if spec["streaming"]["axis"] in array["shape"])
    name: str | None = spec["streaming"].get("input", next(candidates, None))
    return name


def _axis_findings(spec: Spec, here: Path) -> Iterator[Finding]:
    """Check that the axes of the outputs have names that fit ``hop`` and ``right``."""
    streaming = spec["streaming"]
    axis, delayed = streaming["axis"], "states" in streaming and streaming["right"] > 0
    having = [axis in array["shape"] for array in _streamed_outputs(spec).values()]
    if delayed and any(having):
        problem = f"an output has axis {axis!r}, but the first call returns fewer steps"
        yield (*here, "axis"), f"{problem}; give the axis of the output another name"
    if delayed and "end" not in streaming:
        problem = f"the last {streaming['right']} steps never come out"
        yield here, f"{problem}; set 'end' to the input that marks the last call, or write right 0"
    if streaming["hop"] == 1 and not delayed and not any(having):
        problem = f"no output has axis {axis!r}, but with hop 1 one must"
        yield (*here, "axis"), f"{problem}; name the axis of the output so, or correct hop"
    if streaming["hop"] != 1 and having and all(having):
        problem = f"every output has axis {axis!r}, which has one step per step"
        yield (*here, "hop"), f"{problem}; give the longer axis another name, or write 1"


def _end_findings(spec: Spec, here: Path) -> Iterator[Finding]:
    """Check that ``end`` names a flag, and only where one is needed."""
    streaming, inputs = spec["streaming"], spec["inputs"]
    end = streaming.get("end")
    if end is None:
        return
    array = inputs.get(end)
    if streaming["right"] == 0:
        problem = "with right 0 no step is held back until the last call, so it needs no flag; remove 'end'"
        yield (*here, "end"), problem
    elif array is None:
        advice = did_you_mean(end, inputs, "name the input that marks the last call")
        yield (*here, "end"), f"there is no input {end!r}{advice}"
    elif array != {"dtype": "int64", "shape": [1]} or end in streaming["states"]:
        problem = f"{end!r} is not an int64 input of shape [1] of its own, for 1 in the last call and 0 before"
        yield (*here, "end"), f"{problem}; name such an input"
