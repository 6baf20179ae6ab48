"""Errors of the exports of a network that share their weights with the first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from voxstack.networks import Runner
from voxstack_packager.errors import PackagingError
from voxstack_packager.measure.measured import source_error
from voxstack_packager.runners import pt2_runner
from voxstack_packager.signature import MakeExamples
from voxstack_packager.sources import Source


def other_format_errors(
    source: Source,
    folder: Path,
    exports: Sequence[Mapping[str, str]],
    module: Runner,
    examples: MakeExamples | None = None,
) -> dict[str, float]:
    """Return the error of each ``.pt2`` against the module that it was exported from.

    :param examples: by default those of the source.
    :raises PackagingError: if it is larger than rounding explains. torch.export fixes the branch of a comparison of
        sizes that its example takes, as in ``x[:, -100:]`` of a tensor that is sometimes shorter.
    """
    errors = {}
    for export in exports:
        form = export["format"]
        parameters = folder / export["parameters"] if "parameters" in export else None
        run = pt2_runner(folder / export["symbol"], source.signature, parameters)
        try:
            errors[f"{form}_error"] = source_error(source, run, module, examples)
        except PackagingError as error:
            problem = f"its {form}: {error.problem}; {form!r} may also be left out of formats"
            raise PackagingError(source.name, problem) from error
    return errors
