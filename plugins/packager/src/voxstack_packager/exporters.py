"""What torch's exporters need: example arguments, axes that are free, quiet, and errors in one sentence."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from voxstack_packager.errors import PackagingError
from voxstack_packager.measure import MakeExamples
from voxstack_packager.signature import Signed, axes

if TYPE_CHECKING:
    from torch import Tensor

SIZES = (29, 37, 43, 53, 61, 71, 79)
"""Sizes to export with: unequal, so that no two axes are taken for one."""


def arguments(signed: Signed, examples: MakeExamples, where: str) -> tuple[Tensor, ...]:
    """Example inputs in the order of the signature, each named axis of a size of its own."""
    import torch

    free = [axis for axis in axes(signed) if axis != "batch"]
    if len(free) > len(SIZES):
        raise PackagingError(where, f"has {len(free)} named axes; at most {len(SIZES)} are handled")
    sizes = {"batch": 2, **dict(zip(free, SIZES, strict=False))}
    made = examples(sizes, 0)
    return tuple(torch.from_numpy(made[name].copy()) for name in signed.inputs)


def free_axes(signed: Signed) -> list[dict[int, Any]]:
    """Named axes of each input as dynamic shapes. AUTO lets modules pass that relate sizes to each other; what it fixes is looked for
    afterwards.
    """
    import torch

    auto = torch.export.Dim.AUTO
    return [
        {i: auto for i, axis in enumerate(tensor.shape) if isinstance(axis, str)} for tensor in signed.inputs.values()
    ]


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the exporters' remarks on their own workings off the screen."""
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
def explained(where: str, what: str, advice: str = "") -> Iterator[None]:
    """Turn what an exporter raises into a :class:`PackagingError`, which ends in ``advice``."""
    try:
        yield
    except PackagingError:
        raise
    except Exception as error:  # exporters raise of all kinds
        cause = error.__cause__ or error  # torch.onnx wraps it in advice on reporting bugs
        first = next(iter(str(cause).strip().splitlines()), "")
        raise PackagingError(
            where, f"{what} failed ({type(cause).__name__}: {first}); the cause above says where{advice}"
        ) from error
