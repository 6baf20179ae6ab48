"""Checks of states, which both streaming and autoregressive networks carry."""

from __future__ import annotations

from collections.abc import Iterator

from voxstack_addon_spec.checks.finding import Finding, Path, Spec, axes, elements, signature
from voxstack_addon_spec.limits import MAX_STATE
from voxstack_addon_spec.wording import did_you_mean


def state_findings(spec: Spec, states: Spec, parent: Path) -> Iterator[Finding]:
    """Yield what is wrong with the states of a network.

    :param parent: path of the object that has ``states``.
    """
    inputs, outputs = spec["inputs"], spec["outputs"]
    seen: dict[str, str] = {}
    for name, state in states.items():
        path, following = (*parent, "states", name), state["next"]
        if name not in inputs:
            yield path, f"there is no input {name!r} for a state{did_you_mean(name, inputs, 'name an input')}"
        elif inputs[name].get("mask"):
            yield path, f"{name!r} is a mask, which is filled in; give the state an input of its own"
        elif following not in outputs:
            advice = did_you_mean(following, outputs, "name the output that is carried")
            yield (*path, "next"), f"there is no output {following!r}{advice}"
        elif following in seen:
            yield (*path, "next"), f"{following!r} is already carried to {seen[following]!r}; name another output"
        else:
            yield from _fit_findings(spec, name, state, path)
        seen[following] = name
        if "initial" in state and "provided" in state:
            problem = "has two values before the first call: a file, and one that the utterance provides"
            yield path, f"{problem}; remove 'initial' or 'provided'"
    first = sum(_first_elements(inputs[name], state) for name, state in states.items() if name in inputs)
    if first > MAX_STATE:
        problem = f"have {first} elements before the first call, and at most {MAX_STATE} are allowed"
        yield (*parent, "states"), f"{problem}; shorten them"


def _first_elements(array: Spec, state: Spec) -> int:
    """Return the number of elements of a state before the first call, for one utterance."""
    steps = state.get("steps", 1)
    return elements(array["shape"], {axis: steps for axis in axes([array]) if axis != "batch"})


def _fit_findings(spec: Spec, name: str, state: Spec, path: Path) -> Iterator[Finding]:
    """Check that the output of a state fits its input."""
    target, source = spec["inputs"][name], spec["outputs"][state["next"]]
    free = [axis for axis in target["shape"] if isinstance(axis, str) and axis != "batch"]
    appended = {} if "append" not in state else _appended_states(spec)
    others = axes(array for other, array in spec["inputs"].items() if other not in {name, *appended})
    pairs = zip(target["shape"], source["shape"], strict=False)
    fits = all(_fits_free(b, state) if a in free else a == b for a, b in pairs)
    if "append" in state and "autoregressive" not in spec:
        yield (*path, "append"), "only the steps of an autoregressive network append; remove it"
    elif "append" in state and (len(free) != 1 or free != appended[next(iter(appended))]):
        problem = f"{name!r} has the free axes {free}; all states that append have one, of one name and length"
        yield (*path, "append"), f"{problem}: give them the same"
    elif signature(target) != signature(source) or not fits:
        step = ", with one step" if "append" in state else ""
        problem = f"accepts {target['dtype']} {target['shape']}{step}, but {state['next']!r} is"
        yield path, f"{problem} {source['dtype']} {source['shape']}; give both the same type and shape"
    elif len(free) > 1:
        yield path, f"has the free axes {free}; a state may have one besides the batch: fix the lengths of the others"
    elif free and "provided" in state and "steps" in state:
        yield (*path, "steps"), "the utterance provides the state, and with it the length of its free axis; remove it"
    elif free and "steps" not in state and "provided" not in state:
        yield path, f"axis {free[0]!r} is free; set 'steps' to its length before the first call"
    elif not free and "steps" in state:
        yield (*path, "steps"), "the state has no free axis, so it has a fixed length; remove 'steps'"
    elif free and free[0] in others:
        yield path, f"axis {free[0]!r} is also an axis of another input; give the state's free axis its own name"


def _fits_free(size: str | int, state: Spec) -> bool:
    """Return whether an output fits the free axis of its state: of any length, or one step that is appended."""
    return size == 1 if "append" in state else isinstance(size, str) and size != "batch"


def _appended_states(spec: Spec) -> dict[str, list[str]]:
    """Return the free axes of each state that appends, and of the mask of such an axis."""
    states = spec.get("autoregressive", {}).get("states", {})
    found = {
        name: [axis for axis in spec["inputs"][name]["shape"] if isinstance(axis, str) and axis != "batch"]
        for name, state in states.items()
        if "append" in state and name in spec["inputs"]
    }
    shared = {axis for free in found.values() for axis in free}
    masks = {name: array["shape"][-1:] for name, array in spec["inputs"].items() if array.get("mask")}
    return found | {name: free for name, free in masks.items() if set(free) <= shared}
