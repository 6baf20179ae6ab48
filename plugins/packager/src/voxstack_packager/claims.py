"""What goes into the ``measured`` of a network, and what is refused."""

from __future__ import annotations

from typing import Any

from voxstack.networks import Runner
from voxstack_packager.errors import PackagingError
from voxstack_packager.field import Field, receptive_field
from voxstack_packager.measure import against, batch_invariance, chunk_exactness, deterministic, mask_exactness, scales
from voxstack_packager.sources import Source

MASK_ERROR, CHUNK_ERROR, BATCH_ERROR, SOURCE_ERROR = 1e-4, 1e-5, 1e-3, 1e-3
"""Largest errors that are let through, relative to the scale of the output."""

NOISY = (
    "two runs with the same inputs differ: there is noise or dropout inside; make the noise an input, drawn once an utterance, "
    "and turn dropout off"
)
DIFFERS = "the export gives another output than its module, so an operator was exported wrong; write the module with other operators"
MIXES = "a row of a batch gives another output than alone; compute nothing over the batch axis"
IGNORES = (
    "an input padded along {axis!r} and masked gives another output than one without padding; multiply by the mask before every "
    "layer that looks at neighbours, or take the mask out of the inputs"
)
SHIFTS = (
    "windows of {size} steps with the measured context, {left} left and {right} right, give another output than the whole: it "
    "depends on where a window begins (a stride, a position); leave 'streaming' out, or change the network"
)


def measure(source: Source, run: Runner, module: Runner) -> tuple[dict[str, Any], Field | None]:
    """Measure a network.

    :param run: the export, opened; ``module``: what it was exported from, or the graph that it was written from.
    :returns: ``measured``, errors relative to the scale of the output; and the field, if it is to stream.
    :raises PackagingError: if it is not deterministic, differs from its module, mixes the rows of a batch, does not keep to its
        mask, or cannot stream.
    """
    signature, examples = source.signature, source.arrays
    measured: dict[str, Any] = {
        "scale": {name: _short(value) for name, value in scales(run, signature, examples).items()}
    }
    measured["deterministic"] = deterministic(run, signature, examples)
    if not measured["deterministic"]:
        raise PackagingError(source.name, NOISY)
    measured["source_error"] = compared(source, run, module)
    measured["batch_error"] = allowed(source.name, batch_invariance(run, signature, examples), BATCH_ERROR, MIXES)
    masks = mask_exactness(run, signature, examples)
    measured["mask_error"] = {
        axis: allowed(source.name, error, MASK_ERROR, IGNORES.format(axis=axis)) for axis, error in masks.items()
    }
    return measured, _streaming(source, run, module, measured)


def compared(source: Source, run: Runner, module: Runner) -> float:
    """The error of an export against its module.

    :raises PackagingError: if it is more than rounding can explain.
    """
    return allowed(source.name, against(run, module, source.signature, source.arrays), SOURCE_ERROR, DIFFERS)


def _streaming(source: Source, run: Runner, module: Runner, measured: dict[str, Any]) -> Field | None:
    """Measure the field on the export and on its module: either may swallow what the other lets through."""
    axis = source.streaming
    if axis is None:
        return None
    signature, examples = source.signature, source.arrays
    try:
        field = receptive_field(run, signature, examples, axis).joined(
            receptive_field(module, signature, examples, axis)
        )
        errors = chunk_exactness(run, signature, examples, axis, *field)
    except PackagingError as error:
        raise PackagingError(source.name, error.problem) from error
    told = {size: SHIFTS.format(size=size, left=field.left, right=field.right) for size in errors}
    measured["chunk_error"] = {
        str(size): allowed(source.name, error, CHUNK_ERROR, told[size]) for size, error in errors.items()
    }
    return field


def allowed(where: str, error: float, largest: float, what: str) -> float:
    """An error as it is written down.

    :raises PackagingError: if it is too large, or not a number.
    """
    if not error <= largest:
        raise PackagingError(where, f"{what} (by {error:.2g} of its scale; allowed is {largest:g})")
    return _short(error)


def _short(value: float) -> float:
    return float(f"{value:.3g}")
