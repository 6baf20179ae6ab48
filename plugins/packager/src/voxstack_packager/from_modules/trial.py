"""Trial runs of a module, to find out in which form it expects its inputs."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from voxstack_packager.errors import PackagingError
from voxstack_packager.from_modules.adapter import CallPlan, InputPlan, MaskForm, adapted

if TYPE_CHECKING:
    from torch import nn

MASKS = (MaskForm(), MaskForm(wide=True), MaskForm(dtype="bool"), MaskForm(wide=True, dtype="bool"))


class Trial(NamedTuple):
    """A call that succeeded.

    :param variant: the name of the form of the stream that the module accepted.
    :param given: the arrays that it received for each utterance, without the batch axis.
    :param names: of the tensors that it returned, if they have any.
    :param results: the tensors that it returned for each utterance, with the batch axis.
    :param others: further forms of the stream that the module accepts.
    """

    call: CallPlan
    variant: str
    given: Sequence[Mapping[str, np.ndarray]]
    names: list[str | None]
    results: list[list[np.ndarray]]
    others: list[str]


def try_module(
    where: str,
    module: nn.Module,
    inputs: Sequence[InputPlan],
    constants: Mapping[str, Any],
    variants: Mapping[str, Sequence[Mapping[str, np.ndarray]]],
) -> Trial:
    """Run a module until it accepts its inputs: as they are, with features before time, with masks of another form.

    :param variants: by name, the arrays of each utterance without the batch axis, by input.
    :raises PackagingError: with the first error of the module, if it accepts none.
    """
    failures: list[Exception] = []
    trials = []
    for variant, utterances in variants.items():
        trial = _try_variant(module, inputs, constants, variant, utterances, failures)
        trials += [] if trial is None else [trial]
    if trials:
        return trials[0]._replace(others=[trial.variant for trial in trials[1:]])
    failure = failures[0]
    arrays = next(iter(variants.values()))[0]
    problem = f"it does not run with {_listed(inputs, arrays)}: {type(failure).__name__}: {failure}"
    others = f"; nor with other forms of the stream ({', '.join(variants)})" if len(variants) > 1 else ""
    advice = "State what 'forward' receives: ModuleSource(module, inputs={'parameter': 'entry'}, constants={...})"
    raise PackagingError(where, f"{problem}{others}. {advice}") from failure


def _try_variant(
    module: nn.Module,
    inputs: Sequence[InputPlan],
    constants: Mapping[str, Any],
    variant: str,
    utterances: Sequence[Mapping[str, np.ndarray]],
    failures: list[Exception],
) -> Trial | None:
    """Return the first call that succeeds, or None with the errors added to ``failures``."""
    for call in _calls(inputs, constants, utterances[0]):
        try:
            results = [run_module(module, call, arrays) for arrays in utterances]
        except Exception as error:  # of any module
            failures.append(error)
            continue
        names = [name for name, _ in results[0]]
        if failures and any(plan.transposed for plan in call.values) and _as_large(results):
            continue  # it took features for steps, and failed with steps as steps, which is the error to report
        if results[0] and all([name for name, _ in result] == names for result in results):
            return Trial(call, variant, utterances, names, [[array for _, array in result] for result in results], [])
        failures.append(TypeError("it returns no tensors, or other ones each time"))
    return None


def runs_batches(module: nn.Module, trial: Trial, outputs: Sequence[int]) -> bool:
    """Return whether a module returns two rows for two utterances, as code for one utterance at a time does not.

    :param outputs: which of its tensors count.
    """
    try:
        both = run_module(module, trial.call, trial.given[0], rows=2)
    except Exception:  # of any module
        return False
    return all(both[i][1].shape == (2, *trial.results[0][i].shape[1:]) for i in outputs)


def run_module(
    module: nn.Module, call: CallPlan, arrays: Mapping[str, np.ndarray], rows: int = 1
) -> list[tuple[str | None, np.ndarray]]:
    """Return the tensors that a module returns for one utterance, with their names if they have any.

    :param arrays: without the batch axis.
    :param rows: copies of the utterance in the batch.
    """
    import torch

    tensors = [torch.from_numpy(np.stack([arrays[plan.name]] * rows)) for plan in call.values]
    if call.masked:
        steps = next(tensor.shape[1] for tensor in tensors if tensor.ndim > 1)
        tensors.append(torch.ones(rows, steps))
    wrapper: Any = adapted(module, call)
    with torch.inference_mode():
        return [(name, tensor.numpy()) for name, tensor in wrapper.named(*tensors)]


def _calls(
    inputs: Sequence[InputPlan], constants: Mapping[str, Any], arrays: Mapping[str, np.ndarray]
) -> Iterator[CallPlan]:
    """Yield the calls to try: every input with time or with features first, and each form of mask."""
    masks = MASKS if any(plan.kind in ("mask", "padding") for plan in inputs) else MASKS[:1]
    forms = [(False, True) if plan.kind == "value" and arrays[plan.name].ndim == 2 else (False,) for plan in inputs]
    for mask, layout in itertools.product(masks, itertools.product(*forms)):
        plans = tuple(plan._replace(transposed=form) for plan, form in zip(inputs, layout, strict=True))
        yield CallPlan(plans, mask, constants)


def _listed(inputs: Sequence[InputPlan], arrays: Mapping[str, np.ndarray]) -> str:
    rows = []
    for plan in inputs:
        value = _described(plan.name, arrays[plan.name]) if plan.kind == "value" else plan.kind
        rows.append(f"{plan.parameter}={value}")
    return ", ".join(rows) or "no inputs"


def _described(name: str, array: np.ndarray) -> str:
    numbers = (
        f" of {np.min(array)} to {np.max(array)}" if np.size(array) and np.asarray(array).dtype.kind in "iu" else ""
    )
    return f"{name} {(1, *np.shape(array))}{numbers}"


def _as_large(results: Sequence[Sequence[tuple[str | None, np.ndarray]]]) -> bool:
    """Return whether no size of what a module returned differs between utterances of different lengths."""
    shapes = [[array.shape for _, array in result] for result in results]
    return all(each == shapes[0] for each in shapes)
