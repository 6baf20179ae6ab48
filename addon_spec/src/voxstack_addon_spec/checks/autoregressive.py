"""Checks of the ``autoregressive`` of a network."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from voxstack_addon_spec.checks.finding import Finding, Path, Spec, axes
from voxstack_addon_spec.checks.states import state_findings
from voxstack_addon_spec.wording import did_you_mean

EXPECTED = {
    "frames": "float32, or int64 for codes, [batch, frames per step, features], the last two of fixed lengths",
    "stop": "float32 [batch, 1]",
    "attention": "float32 [batch, axis], with an axis of an input",
}


def autoregressive_findings(spec: Spec, path: Path) -> Iterator[Finding]:
    """Yield what is wrong with a network that predicts frames step by step, beyond the schema."""
    steps, here = spec["autoregressive"], (*path, "autoregressive")
    for key in ("streaming", "stateful"):
        if key in spec:
            problem = "an autoregressive network predicts its frames itself and reads no stream"
            yield (*path, key), f"{problem}; remove one of the two"
    yield from state_findings(spec, steps["states"], here)
    yield from _output_findings(spec, here)
    yield from _noise_findings(spec, here)


def _output_findings(spec: Spec, here: Path) -> Iterator[Finding]:
    steps, inputs, outputs = spec["autoregressive"], spec["inputs"], spec["outputs"]
    carried = {state["next"] for state in steps["states"].values()}
    checks: dict[str, Callable[[list[str | int]], bool]] = {
        "frames": _is_frames,
        "stop": lambda shape: shape == ["batch", 1],
        "attention": lambda shape: _is_attention(shape, inputs),
    }
    for key, has_expected_shape in checks.items():
        if key not in steps:
            continue
        name = steps[key]
        if name not in outputs:
            yield (*here, key), f"there is no output {name!r}{did_you_mean(name, outputs, 'name an output')}"
        elif name in carried:
            yield (*here, key), f"{name!r} is carried as a state; name an output of its own"
        elif outputs[name]["dtype"] not in _dtypes(key) or not has_expected_shape(outputs[name]["shape"]):
            yield (*here, key), f"{name!r} is {_type_of(outputs[name])}; make it {EXPECTED[key]}"


def _dtypes(key: str) -> tuple[str, ...]:
    """Return the dtypes that an output may have."""
    return ("float32", "int64") if key == "frames" else ("float32",)


def _noise_findings(spec: Spec, here: Path) -> Iterator[Finding]:
    steps, inputs = spec["autoregressive"], spec["inputs"]
    for name in steps.get("noise", ()):
        path = (*here, "noise", name)
        if name not in inputs:
            yield path, f"there is no input {name!r}{did_you_mean(name, inputs, 'name an input')}"
        elif name in steps["states"] or inputs[name].get("mask"):
            yield path, f"{name!r} is a state or a mask; give the noise an input of its own"
        elif not _is_noise(inputs[name]):
            yield path, f"{name!r} is {_type_of(inputs[name])}; make it float32 of fixed lengths after the batch"


def _type_of(array: Spec) -> str:
    return f"{array['dtype']} {array['shape']}"


def _is_frames(shape: list[str | int]) -> bool:
    return len(shape) == 3 and shape[0] == "batch" and all(isinstance(size, int) for size in shape[1:])


def _is_attention(shape: list[str | int], inputs: Spec) -> bool:
    return len(shape) == 2 and shape[0] == "batch" and isinstance(shape[1], str) and shape[1] in axes(inputs.values())


def _is_noise(array: dict[str, Any]) -> bool:
    return array["dtype"] == "float32" and axes([array]) == ["batch"] and array["shape"][0] == "batch"
