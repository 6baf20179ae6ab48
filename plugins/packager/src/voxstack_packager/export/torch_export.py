"""Common parts of torch's exporters: example arguments, dynamic axes, silenced warnings, and readable errors."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from voxstack_packager.errors import PackagingError
from voxstack_packager.signature import MakeExamples, SignatureLike, input_axes

if TYPE_CHECKING:
    from torch import Tensor

SIZES = (29, 37, 43, 53, 61, 71, 79, *range(83, 83 + 2 * 120, 2))
"""Sizes to export with: unequal, so that exporters do not take two axes for one."""


def example_sizes(signature: SignatureLike, where: str) -> dict[str, int]:
    """Return the sizes of the axes of the example that modules are exported with.

    :raises PackagingError: if there are more axes than :data:`SIZES`.
    """
    free = [axis for axis in input_axes(signature) if axis != "batch"]
    if len(free) > len(SIZES):
        problem = f"has {len(free)} named axes, and at most {len(SIZES)} are supported; declare some of them as numbers"
        raise PackagingError(where, problem)
    return {"batch": 2, **dict(zip(free, SIZES, strict=False))}


def example_arguments(signature: SignatureLike, examples: MakeExamples, where: str) -> tuple[Tensor, ...]:
    """Return example inputs in the order of the signature, with another size for each named axis.

    :raises PackagingError: as :func:`example_sizes` raises it.
    """
    import torch

    arrays = examples(example_sizes(signature, where), 0)
    return tuple(torch.from_numpy(arrays[name].copy()) for name in signature.inputs)


def dynamic_shapes(signature: SignatureLike) -> list[dict[int, Any]]:
    """Return the dynamic axes of each input, by position.

    They are AUTO, which accepts modules that relate sizes to each other; axes that it fixes are looked for afterwards.
    """
    import torch

    auto = torch.export.Dim.AUTO
    return [
        {i: auto for i, axis in enumerate(tensor.shape) if isinstance(axis, str)}
        for tensor in signature.inputs.values()
    ]


@contextmanager
def silence() -> Iterator[None]:
    """Suppress the warnings of exporters about their own workings."""
    logger = logging.getLogger("torch")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


@contextmanager
def explain_failure(where: str, exporter: str, advice: str = "") -> Iterator[None]:
    """Turn any error of an exporter into a :class:`PackagingError` that ends in ``advice``."""
    try:
        yield
    except PackagingError:
        raise
    except Exception as error:  # exporters raise errors of all types
        cause = error.__cause__ or error  # torch.onnx wraps it in advice on reporting bugs
        first = next(iter(str(cause).strip().splitlines()), "")
        problem = f"{exporter} failed ({type(cause).__name__}: {first}); the cause above states where{advice}"
        raise PackagingError(where, problem) from error
