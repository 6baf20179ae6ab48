"""The ``measured`` entry of a network, and the limits above which packaging refuses it."""

from __future__ import annotations

from typing import Any

from voxstack.networks import Runner
from voxstack_packager.errors import PackagingError
from voxstack_packager.export.torch_export import example_sizes
from voxstack_packager.measure.deviation import deviation, fixed_axis
from voxstack_packager.measure.exactness import (
    batch_invariance,
    chunk_exactness,
    is_deterministic,
    mask_exactness,
    scales,
)
from voxstack_packager.measure.receptive_field import ReceptiveField, receptive_field
from voxstack_packager.signature import MakeExamples, SignatureLike
from voxstack_packager.sources import NetworkSource, Source

MASK_LIMIT, CHUNK_LIMIT, BATCH_LIMIT, SOURCE_LIMIT = 1e-4, 1e-5, 1e-3, 1e-3
"""Largest errors that are accepted, relative to the scale of the output."""

NOT_DETERMINISTIC = (
    "two runs with the same inputs differ: there is noise or dropout inside; make the noise an input, drawn once an "
    "utterance, and turn dropout off"
)
WRONG_EXPORT = (
    "the export produces another output than its module, so an operator was exported wrong; write the module with "
    "other operators"
)
FIXED_SIZE = (
    "the export is right with the sizes of its example, {sizes}, and with {axis!r} of {size} it {problem}: the network "
    "computes with that size as a number. Write a Python loop over steps (around an nn.LSTMCell, say) as an nn.LSTM, "
    "nn.GRU or nn.RNN, or script the whole module (torch.jit.script); replace int(x.shape[1]) by x.shape[1], and "
    "tables of one length; or declare the axis as a number"
)
MIXED_ROWS = "a row of a batch produces another output than alone; compute nothing over the batch axis"
IGNORED_MASK = (
    "an input padded along {axis!r} and masked produces another output than one without padding; multiply by the mask "
    "before every layer that reads neighbouring steps; let a bidirectional recurrence read a packed sequence "
    "(pack_padded_sequence with the lengths mask.sum(1)), as its backward direction begins in the padding; or remove "
    "the mask from the inputs"
)
SHIFTING_WINDOWS = (
    "windows of {size} steps with the measured context, {left} left and {right} right, produce another output than the "
    "whole: it depends on where a window begins (a stride, a position); leave 'streaming' out, or change the network"
)


def measure_whole(source: Source, run: Runner, module: Runner) -> dict[str, Any]:
    """Measure a network on whole inputs, and return its ``measured``.

    :param run: the export, opened; ``module``: the module or graph that it was exported from.
    :raises PackagingError: if the network is not deterministic, differs from its module, mixes the rows of a batch, or
        ignores its mask.
    """
    return {
        **_measure_basics(source, run, module),
        "source_error": source_error(source, run, module),
        **measure_invariances(source.name, run, source.signature, source.example_inputs),
    }


def _measure_basics(source: Source, run: Runner, module: Runner) -> dict[str, Any]:
    try:
        return measure_basics(source.name, run, source.signature, source.example_inputs)
    except PackagingError:
        raise
    except Exception as failure:  # the errors of runtimes have no class in common
        source_error(source, run, module)  # names the sizes at which the export fails
        raise PackagingError(source.name, f"its export does not run ({failure}); check its examples") from failure


def measure_basics(where: str, run: Runner, signature: SignatureLike, examples: MakeExamples) -> dict[str, Any]:
    """Return ``scale`` and ``deterministic``.

    :raises PackagingError: if the network is not deterministic.
    """
    scale = {name: round_error(value) for name, value in scales(run, signature, examples).items()}
    if not is_deterministic(run, signature, examples):
        raise PackagingError(where, NOT_DETERMINISTIC)
    return {"scale": scale, "deterministic": True}


def measure_invariances(where: str, run: Runner, signature: SignatureLike, examples: MakeExamples) -> dict[str, Any]:
    """Return ``batch_error`` and ``mask_error``.

    :raises PackagingError: if the network mixes the rows of a batch, or ignores its mask.
    """
    batch = measure_rows(where, run, signature, examples)
    masks = mask_exactness(run, signature, examples)
    return {
        "batch_error": batch,
        "mask_error": {
            axis: check_error(where, error, MASK_LIMIT, IGNORED_MASK.format(axis=axis)) for axis, error in masks.items()
        },
    }


def measure_rows(where: str, run: Runner, signature: SignatureLike, examples: MakeExamples) -> float:
    """Return ``batch_error``.

    :raises PackagingError: if the network mixes the rows of a batch.
    """
    return check_error(where, batch_invariance(run, signature, examples), BATCH_LIMIT, MIXED_ROWS)


def source_error(source: Source, run: Runner, module: Runner, examples: MakeExamples | None = None) -> float:
    """Return the error of an export against its module.

    :param examples: by default those of the source.

    :raises PackagingError: if it is larger than rounding explains; naming the axis, if it is right at the sizes of its
        example and wrong at others.
    """
    try:
        error = deviation(run, module, source.signature, examples or source.example_inputs)
        return check_error(source.name, error, SOURCE_LIMIT, WRONG_EXPORT)
    except PackagingError as failure:
        problem = _fixed_size(source, run, module, examples or source.example_inputs)
        raise PackagingError(source.name, problem or failure.problem) from failure


def _fixed_size(source: Source, run: Runner, module: Runner, examples: MakeExamples) -> str:
    """Return what is wrong with an export of a module that is right at the sizes of its example only; else nothing."""
    if not isinstance(source, NetworkSource):
        return ""
    sizes = example_sizes(source.signature, source.name)
    found = fixed_axis(run, module, source.signature, examples, sizes)
    if found is None:
        return ""
    axis, size, problem = found
    return FIXED_SIZE.format(sizes=sizes, axis=axis, size=size, problem=problem)


def measure_windows(source: Source, axis: str, run: Runner, module: Runner) -> tuple[ReceptiveField, dict[str, float]]:
    """Measure the receptive field on the export and on its module: either may swallow what the other passes.

    :returns: the field, and ``chunk_error``.
    :raises InfiniteField: if an output depends on all steps.
    :raises PackagingError: if the network cannot stream in windows for another reason.
    """
    signature, examples = source.signature, source.example_inputs
    try:
        field = receptive_field(run, signature, examples, axis)
        field = field.union(receptive_field(module, signature, examples, axis))
        errors = chunk_exactness(run, signature, examples, axis, *field)
    except PackagingError as error:
        raise type(error)(source.name, error.problem) from error
    problems = {size: SHIFTING_WINDOWS.format(size=size, left=field.left, right=field.right) for size in errors}
    return field, {
        str(size): check_error(source.name, error, CHUNK_LIMIT, problems[size]) for size, error in errors.items()
    }


def check_error(where: str, error: float, limit: float, problem: str) -> float:
    """Return a measured error as addon.json states it.

    :raises PackagingError: if it is above the limit, or not a number.
    """
    if not error <= limit:
        raise PackagingError(where, f"{problem} (by {error:.2g} of its scale; allowed is {limit:g})")
    return round_error(error)


def round_error(value: float) -> float:
    """Return a number with three significant digits."""
    return float(f"{value:.3g}")
