"""What must hold in the ``autoregressive`` of a network."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from voxstack_addon_spec.streaming import Finding, Path, Spec, axes, state_findings
from voxstack_addon_spec.wording import did_you_mean


def step_findings(spec: Spec, path: Path) -> Iterator[Finding]:
    """Yield what is wrong with a network that makes frames step by step, which the schema accepts."""
    steps, place = spec["autoregressive"], (*path, "autoregressive")
    inputs, outputs = spec["inputs"], spec["outputs"]
    for key in ("streaming", "stateful"):
        if key in spec:
            yield (
                (*path, key),
                "an autoregressive network makes its frames itself and reads no stream; remove one of the two",
            )
    yield from state_findings(spec, steps["states"], place)
    carried = {state["next"] for state in steps["states"].values()}
    forms: dict[str, Callable[[list[str | int]], bool]] = {
        "frames": _is_frames,
        "stop": lambda shape: shape == ["batch", 1],
        "attention": lambda shape: _is_attention(shape, inputs),
    }
    for key, fits in forms.items():
        if key not in steps:
            continue
        name = steps[key]
        if name not in outputs:
            yield (*place, key), f"there is no output {name!r}{did_you_mean(name, outputs, 'name an output')}"
        elif name in carried:
            yield (*place, key), f"{name!r} is carried as a state; name an output of its own"
        elif outputs[name]["dtype"] != "float32" or not fits(outputs[name]["shape"]):
            yield (
                (*place, key),
                f"{name!r} is {outputs[name]['dtype']} {outputs[name]['shape']}; it must be {_FORMS[key]}",
            )
    for name in steps.get("noise", ()):
        if name not in inputs:
            yield (*place, "noise", name), f"there is no input {name!r}{did_you_mean(name, inputs, 'name an input')}"
        elif name in steps["states"] or inputs[name].get("mask"):
            yield (*place, "noise", name), f"{name!r} is a state or a mask; noise has an input of its own"
        elif (
            inputs[name]["dtype"] != "float32"
            or axes([inputs[name]]) != ["batch"]
            or inputs[name]["shape"][0] != "batch"
        ):
            told = f"{inputs[name]['dtype']} {inputs[name]['shape']}"
            yield (*place, "noise", name), f"{name!r} is {told}; a step draws float32 of fixed lengths behind the batch"


_FORMS = {
    "frames": "float32 [batch, frames a step, features], the last two of fixed lengths",
    "stop": "float32 [batch, 1]",
    "attention": "float32 [batch, axis], with an axis of an input",
}


def _is_frames(shape: list[str | int]) -> bool:
    return len(shape) == 3 and shape[0] == "batch" and all(isinstance(size, int) for size in shape[1:])


def _is_attention(shape: list[str | int], inputs: Spec) -> bool:
    return len(shape) == 2 and shape[0] == "batch" and isinstance(shape[1], str) and shape[1] in axes(inputs.values())
