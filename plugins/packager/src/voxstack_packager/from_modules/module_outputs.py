"""The outputs of a module: their names, and their axes."""

from __future__ import annotations

from collections.abc import Sequence

from voxstack_packager.errors import PackagingError
from voxstack_packager.from_modules.adapter import OutputPlan
from voxstack_packager.from_modules.forward import returned_names
from voxstack_packager.from_modules.module_inputs import Sizes
from voxstack_packager.from_modules.output_axes import plan_output
from voxstack_packager.from_modules.trial import Trial
from voxstack_packager.from_modules.voice_source import ModuleSource

CONVENTIONAL = ("encoded", "durations", "lf0", "level", "mel", "spectra", "samples", "latents")
"""Names of variables that are taken for those of a single output."""


def plan_outputs(
    source: ModuleSource, name: str, trial: Trial, sizes: Sizes, read: str | None, following: str | None
) -> list[OutputPlan]:
    """Return the outputs of a module that ran.

    :param read: the input that is the stream, if there is one.
    :param following: name of the stream that the next network reads, if that is known.
    :raises PackagingError: if they have no names, or other axes than networks have.
    """
    first, second = trial.results
    names = _names(source, name, trial, sizes, read, following)
    if len(names) != len(first):
        problem = f"returns {len(first)} tensors, of the shapes {_shapes(trial)}, and 'outputs' has {len(names)} names"
        raise PackagingError(name, f"{problem}; state one for each, None for a tensor that is left out")
    rows = [(own, i, (first[i].shape, second[i].shape)) for i, own in enumerate(names) if own is not None]
    return [plan_output(name, own, index, shapes, sizes) for own, index, shapes in rows]


def _names(
    source: ModuleSource, name: str, trial: Trial, sizes: Sizes, read: str | None, following: str | None
) -> Sequence[str | None]:
    if source.outputs is not None:
        return [source.outputs] if isinstance(source.outputs, str) else list(source.outputs)
    if all(own is not None for own in trial.names):
        return trial.names
    variables = returned_names(source.module, len(trial.names))
    if len(trial.names) > 1:
        return _completed(name, trial, variables, sizes, read)
    if following is not None and read is not None:
        return [following]
    return variables if variables[0] in CONVENTIONAL else [_usual_name(trial, 0, sizes, read)]


def _completed(
    where: str, trial: Trial, variables: Sequence[str | None], sizes: Sizes, read: str | None
) -> list[str | None]:
    """Return the names of several outputs, one of which may be no variable.

    :raises PackagingError: if more have no names, or two have the same.
    """
    unnamed = [index for index, variable in enumerate(variables) if variable is None]
    names = [_usual_name(trial, i, sizes, read) if own is None else own for i, own in enumerate(variables)]
    if len(unnamed) > 1 or len(set(names)) < len(names):
        problem = f"returns {len(names)} tensors, of the shapes {_shapes(trial)}, and not all of them have names"
        raise PackagingError(where, f"{problem}; name them: ModuleSource(module, outputs=['encoded', ...])")
    return list(names)


def _usual_name(trial: Trial, index: int, sizes: Sizes, read: str | None) -> str:
    """Return the name of an output: numbers per step are durations or samples, rows an encoding or a mel."""
    first, second = (result[index] for result in trial.results)
    numbers = first.ndim == 2 or (first.ndim == 3 and 1 in first.shape[1:] and first.shape != second.shape)
    per_token = any(pair in sizes.values() for pair in zip(first.shape[1:], second.shape[1:], strict=False))
    if read is None and (per_token or first.shape == second.shape):
        return "durations" if numbers else "encoded"
    return "samples" if numbers else "mel"


def _shapes(trial: Trial) -> list[tuple[int, ...]]:
    return [array.shape for array in trial.results[0]]
