"""The inputs of a module: what each parameter of its ``forward`` receives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from voxstack_packager.errors import PackagingError
from voxstack_packager.from_modules.adapter import MASK, InputPlan
from voxstack_packager.from_modules.forward import forward_parameters
from voxstack_packager.from_modules.rehearsal import Rehearsal
from voxstack_packager.from_modules.trial import Trial
from voxstack_packager.from_modules.voice_source import ModuleSource
from voxstack_packager.sources import TensorDeclaration

Sizes = Mapping[str, tuple[int, int]]
"""The sizes of named axes, in both utterances."""


def plan_inputs(source: ModuleSource, name: str, state: Rehearsal) -> tuple[list[InputPlan], str | None]:
    """Return what each parameter receives, masks last, and the name of the input that is the stream.

    A parameter that has the name of no entry and is the first one receives the stream, or else the tokens.

    :raises PackagingError: if nothing gives what a parameter needs.
    """
    stream = state.stream_name
    plans: list[InputPlan] = []
    for parameter in forward_parameters(source.module):
        stated = parameter.name in source.inputs
        entry = source.inputs.get(parameter.name, parameter.name)
        if parameter.name in source.constants:
            continue
        if parameter.kind != "value" and not stated:
            plans.append(InputPlan(parameter.name, parameter.kind, MASK))
        elif entry == stream or entry in state.arrays:
            plans.append(InputPlan(parameter.name, "value", entry))
        elif parameter.optional and not stated:
            continue
        elif not any(plan.kind == "value" for plan in plans) and not stated:
            if stream is None and "durations" in state.arrays and "encoded" not in state.arrays:
                raise PackagingError(name, _no_stream(parameter.name, state))
            entry = stream or ("tokens" if "tokens" not in state.used or "encoded" not in state.arrays else "encoded")
            plans.append(InputPlan(parameter.name, "value", entry))
        else:
            raise PackagingError(name, _unknown(parameter.name, entry, state))
    if not any(plan.kind == "value" for plan in plans):
        raise PackagingError(
            name, "its 'forward' reads nothing of an utterance; name a parameter 'tokens' or 'encoded'"
        )
    read = stream if any(plan.name == stream for plan in plans) else None
    return sorted(plans, key=lambda plan: plan.kind != "value"), read


def _no_stream(parameter: str, state: Rehearsal) -> str:
    there = f"the utterance has {sorted(state.arrays)}"
    advice = "name the output of the encoder that has a row for each token 'encoded', as in return {'encoded': ...}"
    return f"{parameter!r} would be frames, which need 'encoded' and 'durations', and {there}; {advice}"


def _unknown(parameter: str, entry: str, state: Rehearsal) -> str:
    there = f"the utterance has {sorted(state.arrays)}"
    there += f", and the stream is {state.stream_name!r}" if state.stream_name else ""
    advice = f"ModuleSource(module, inputs={{{parameter!r}: ...}}) or constants={{{parameter!r}: ...}}"
    return f"nothing gives {entry!r}, which 'forward' needs; {there}. State what it receives: {advice}"


def input_sizes(trial: Trial, read: str | None, state: Rehearsal) -> Sizes:
    """Return the named axes of the inputs: the frames of the stream, or the axes of entries."""
    first, second = trial.given
    if read is not None:
        return {"frames": (len(first[read]), len(second[read]))}
    pairs = [(np.shape(first[name])[:1], np.shape(second[name])[:1]) for name in first]
    return {axis: both for axis, both in state.sizes.items() if ((both[0],), (both[1],)) in pairs}


def declare_inputs(trial: Trial, sizes: Sizes) -> dict[str, TensorDeclaration]:
    """Return the declarations of the inputs; a named axis is one whose sizes differ between the utterances."""
    declared: dict[str, TensorDeclaration] = {}
    for plan in trial.call.values:
        first, second = (np.asarray(arrays[plan.name]) for arrays in trial.given)
        axes: list[str | int] = ["batch"] if trial.call.batched else []
        for pair in zip(first.shape, second.shape, strict=True):
            known = next((axis for axis, both in sizes.items() if both == pair), plan.name)
            axes.append(pair[0] if pair[0] == pair[1] else known)
        declared[plan.name] = (str(first.dtype), axes)
    if trial.call.masked:
        declared[MASK] = ("float32", ["batch", next(iter(sizes))], True)
    return declared


def with_steps(trial: Trial, read: str) -> list[str]:
    """Return the inputs that have as many steps as the stream."""
    return [name for name, array in trial.given[0].items() if np.shape(array)[:1] == trial.given[0][read].shape[:1]]


def as_examples(trial: Trial) -> dict[str, Any]:
    """Return the arrays of the longer utterance as examples."""
    arrays = {name: np.asarray(array) for name, array in trial.given[0].items()}
    return {name: array[None] if trial.call.batched else array for name, array in arrays.items()}
