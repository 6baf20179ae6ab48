"""What must hold in the ``streaming`` of a network, and between a network and its stateful form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from voxstack_addon_spec.wording import did_you_mean

Spec = Mapping[str, Any]
Path = tuple[str | int, ...]
Finding = tuple[Path, str]  # path into the config, problem


def streaming_findings(spec: Spec, path: Path) -> Iterator[Finding]:
    """Yield what is wrong with the streaming of one form of a network, which the schema accepts."""
    streaming, place = spec["streaming"], (*path, "streaming")
    if "states" in streaming:
        yield from _end(spec, place)
        yield from state_findings(spec, streaming["states"], place)
        if not _streamed(spec):
            yield (*place, "states"), "every output is a state, so nothing comes out; add an output that is none"
    axis = streaming["axis"]
    arrays = _given(spec)
    having = [name for name, array in arrays.items() if axis in array["shape"]]
    if not having:
        advice = did_you_mean(axis, axes(arrays.values()), "name an axis of the input that is the stream")
        yield (*place, "axis"), f"no input but masks has axis {axis!r}{advice}"
    elif "input" in streaming:
        if streaming["input"] not in having:
            names = " or ".join(repr(name) for name in having)
            yield (*place, "input"), f"{streaming['input']!r} is no input with axis {axis!r}; write {names}"
    elif len(having) > 1:
        names = " and ".join(repr(name) for name in having)
        yield place, f"inputs {names} have axis {axis!r}; say with 'input' which of them is the stream"
    yield from _lengths(spec, place)


def form_findings(spec: Spec, path: Path) -> Iterator[Finding]:
    """Yield where the stateful form of a network is not the same network."""
    form, place = spec["stateful"], (*path, "stateful")
    if "streaming" not in spec or "states" in spec["streaming"]:
        yield (
            place,
            "is another form of a network that streams in windows; give the network a 'streaming' with left, right and hop",
        )
        return
    for key in ("axis", "hop"):
        if form["streaming"][key] != spec["streaming"][key]:
            yield (
                (*place, "streaming", key),
                f"is {spec['streaming'][key]!r} in the network's own streaming; write the same",
            )
    stream, own = _stream(form), _stream(spec)
    if stream != own:
        yield (
            (*place, "streaming"),
            f"the stream goes to {stream!r}, and to {own!r} in the network's own streaming; write the same",
        )
    inputs = _given(spec)
    for name, array in _given(form).items():
        if inputs.get(name) != array:
            yield (
                (*place, "inputs", name),
                f"the network itself has no such input{did_you_mean(name, inputs, 'give both the same inputs')}",
            )
    wanted, made = ({name: _kind(array) for name, array in _streamed(one).items()} for one in (spec, form))
    if made != wanted:
        yield (
            (*place, "outputs"),
            f"the network itself has the outputs {sorted(wanted)}; give the same of the same types, beside states",
        )


def axes(arrays: Any) -> list[str]:
    """Return the axis names of some arrays, each once, in the order they appear."""
    return list(dict.fromkeys(axis for array in arrays for axis in array["shape"] if isinstance(axis, str)))


def _given(spec: Spec) -> dict[str, Any]:
    """The inputs that a caller gives: no masks, no states, no end."""
    streaming = spec["streaming"]
    filled = {*streaming.get("states", ()), streaming.get("end")}
    return {name: array for name, array in spec["inputs"].items() if name not in filled and not array.get("mask")}


def _streamed(spec: Spec) -> dict[str, Any]:
    """The outputs that are no state."""
    carried = {state["next"] for state in spec["streaming"].get("states", {}).values()}
    return {name: array for name, array in spec["outputs"].items() if name not in carried}


def _stream(spec: Spec) -> str | None:
    having = (name for name, array in _given(spec).items() if spec["streaming"]["axis"] in array["shape"])
    found: str | None = spec["streaming"].get("input", next(having, None))
    return found


def _kind(array: Spec) -> tuple[str, int]:
    return array["dtype"], len(array["shape"])


def _lengths(spec: Spec, place: Path) -> Iterator[Finding]:
    streaming = spec["streaming"]
    axis, waits = streaming["axis"], "states" in streaming and streaming["right"] > 0
    having = [axis in array["shape"] for array in _streamed(spec).values()]
    if waits and any(having):
        yield (
            (*place, "axis"),
            f"an output has axis {axis!r}, but the first call gives fewer steps; give the axis of the output another name",
        )
    if waits and "end" not in streaming:
        yield (
            place,
            f"the last {streaming['right']} steps never come; name with 'end' the input that tells the last call, or write right 0",
        )
    if streaming["hop"] == 1 and not waits and not any(having):
        yield (
            (*place, "axis"),
            f"no output has axis {axis!r}, but with hop 1 one must; name the axis of the output so, or correct hop",
        )
    if streaming["hop"] != 1 and having and all(having):
        yield (
            (*place, "hop"),
            f"every output has axis {axis!r}, which has one step per step; give the longer axis another name, or write 1",
        )


def _end(spec: Spec, place: Path) -> Iterator[Finding]:
    streaming, inputs = spec["streaming"], spec["inputs"]
    end = streaming.get("end")
    if end is not None and streaming["right"] == 0:
        yield (
            (*place, "end"),
            "with right 0 nothing is kept back until the last call, so none need be told; remove 'end'",
        )
    elif end is not None:
        found = inputs.get(end)
        if found is None:
            yield (
                (*place, "end"),
                f"there is no input {end!r}{did_you_mean(end, inputs, 'name the input that tells the last call')}",
            )
        elif found != {"dtype": "int64", "shape": [1]} or end in streaming["states"]:
            yield (
                (*place, "end"),
                f"{end!r} is not an int64 input of shape [1] of its own; it is 1 in the last call and 0 before",
            )


def state_findings(spec: Spec, states: Spec, place: Path) -> Iterator[Finding]:
    """Yield what is wrong with the states of a network."""
    inputs, outputs = spec["inputs"], spec["outputs"]
    seen: dict[str, str] = {}
    for name, state in states.items():
        path, following = (*place, "states", name), state["next"]
        if name not in inputs:
            yield path, f"there is no input {name!r} for a state{did_you_mean(name, inputs, 'name an input')}"
        elif inputs[name].get("mask"):
            yield path, f"{name!r} is a mask, which is filled in; a state has an input of its own"
        elif following not in outputs:
            yield (
                (*path, "next"),
                f"there is no output {following!r}{did_you_mean(following, outputs, 'name the output that is carried')}",
            )
        elif following in seen:
            yield (*path, "next"), f"{following!r} is carried to {seen[following]!r} already; name another output"
        else:
            yield from _state(spec, name, state, path)
        seen[following] = name


def _state(spec: Spec, name: str, state: Spec, path: Path) -> Iterator[Finding]:
    """Check that what is carried fits where it goes."""
    taken, made = spec["inputs"][name], spec["outputs"][state["next"]]
    free = [axis for axis in taken["shape"] if isinstance(axis, str) and axis != "batch"]
    others = axes(array for other, array in spec["inputs"].items() if other != name)
    pairs = zip(taken["shape"], made["shape"], strict=False)
    fits = all(isinstance(b, str) and b != "batch" if a in free else a == b for a, b in pairs)
    if _kind(taken) != _kind(made) or not fits:
        yield (
            path,
            f"takes {taken['dtype']} {taken['shape']} and {state['next']!r} is {made['dtype']} {made['shape']}; give both the same form",
        )
    elif len(free) > 1:
        yield path, f"has the free axes {free}; beside the batch a state may have one"
    elif free and "steps" not in state:
        yield path, f"axis {free[0]!r} is free; say with 'steps' how long it is before the first call"
    elif not free and "steps" in state:
        yield (*path, "steps"), "has no free axis to be long; remove 'steps'"
    elif free and free[0] in others:
        yield (
            path,
            f"axis {free[0]!r} is an axis of another input, too; a state's free axis has a length and a name of its own",
        )
