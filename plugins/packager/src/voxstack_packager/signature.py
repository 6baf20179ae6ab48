"""Arrays that fit what a network takes: their axes have names, and names have sizes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from voxstack.networks import Tensor
from voxstack_packager.errors import PackagingError

SIZE = 24
"""Size of a named axis that nothing else decides."""


class Signed(Protocol):
    """Anything that tells inputs and outputs by name, as a ``NetworkSpec`` does."""

    @property
    def inputs(self) -> Mapping[str, Tensor]: ...
    @property
    def outputs(self) -> Mapping[str, Tensor]: ...


@dataclass(frozen=True)
class Signature:
    """Inputs and outputs of a network by name."""

    inputs: Mapping[str, Tensor]
    outputs: Mapping[str, Tensor]


def axes(signed: Signed) -> list[str]:
    """Names of the axes that inputs have, each once."""
    return list(
        dict.fromkeys(axis for tensor in signed.inputs.values() for axis in tensor.shape if isinstance(axis, str))
    )


def mask_axes(signed: Signed) -> list[str]:
    """Names of the axes that mask inputs mark."""
    return list(dict.fromkeys(str(tensor.shape[-1]) for tensor in signed.inputs.values() if tensor.mask))


def sizes_of(signed: Signed, **given: int) -> dict[str, int]:
    """A size for every axis: one for the batch, :data:`SIZE` for others that are not ``given``."""
    return {axis: given.get(axis, 1 if axis == "batch" else SIZE) for axis in axes(signed)}


def known_sizes(arrays: Mapping[str, np.ndarray], signed: Signed) -> dict[str, int]:
    """The sizes that the named axes of these inputs have."""
    named = [(signed.inputs[name].shape, array.shape) for name, array in arrays.items() if name in signed.inputs]
    return {
        axis: size for axes, sizes in named for axis, size in zip(axes, sizes, strict=False) if isinstance(axis, str)
    }


def shape_of(tensor: Tensor, sizes: Mapping[str, int]) -> tuple[int, ...]:
    """The shape that named axes come to."""
    return tuple(sizes[axis] if isinstance(axis, str) else axis for axis in tensor.shape)


def time_axis(tensor: Tensor, axis: str, signed: Signed) -> int | None:
    """Where an output has the streaming axis, or one of its own (``samples``) that goes on with it; None if nowhere."""
    known = axes(signed)
    own = [i for i, name in enumerate(tensor.shape) if isinstance(name, str) and name not in known]
    return tensor.shape.index(axis) if axis in tensor.shape else (own[0] if own else None)


def complete(made: Mapping[str, Any], signed: Signed, sizes: Mapping[str, int], where: str) -> dict[str, np.ndarray]:
    """Return the arrays in the order of the inputs, masks of ones filled in.

    :raises PackagingError: naming the array that is missing, unknown, or of another dtype or shape than declared.
    """
    unknown = sorted(made.keys() - signed.inputs.keys())
    if unknown:
        raise PackagingError(where, f"gives {unknown}, which the network does not take; it takes {list(signed.inputs)}")
    arrays: dict[str, np.ndarray] = {}
    for name, tensor in signed.inputs.items():
        wanted = shape_of(tensor, sizes)
        if name not in made and not tensor.mask:
            raise PackagingError(where, f"gives no {name!r}; add it")
        array = np.ones(wanted, tensor.dtype) if name not in made else np.asarray(made[name])
        if array.shape != wanted or array.dtype != tensor.dtype:
            raise PackagingError(
                where,
                f"{name!r} is {array.dtype} {array.shape} and should be {tensor.dtype} {wanted} for the sizes {dict(sizes)}",
            )
        arrays[name] = array
    return arrays


def cut_or_repeated(
    examples: Mapping[str, np.ndarray], signed: Signed, sizes: Mapping[str, int], seed: int, where: str
) -> dict[str, np.ndarray]:
    """Return the examples with these sizes along their named axes; rows of the batch and seeds begin at different places.

    :raises PackagingError: if an example has the wrong number of axes, or no steps.
    """
    made: dict[str, np.ndarray] = {}
    for name, given in examples.items():
        tensor, array = signed.inputs.get(name), np.asarray(given)
        if tensor is None or array.ndim != len(tensor.shape) or not array.size:
            axes_of = "no input" if tensor is None else f"an input with the axes {list(tensor.shape)}"
            raise PackagingError(
                where, f"{name!r} has the shape {array.shape} and is {axes_of}; give an array that fits"
            )
        rows = range(sizes["batch"]) if "batch" in tensor.shape else range(1)
        cuts = [_from(array, tensor, sizes, row, seed) for row in rows]
        made[name] = np.concatenate(cuts, tensor.shape.index("batch")) if "batch" in tensor.shape else cuts[0]
    return made


def _from(array: np.ndarray, tensor: Tensor, sizes: Mapping[str, int], row: int, seed: int) -> np.ndarray:
    """One row of a batch, each axis repeated from an offset on."""
    for i, axis in enumerate(tensor.shape):
        count = array.shape[i]
        if axis == "batch":
            array = np.take(array, [row % count], i)
        elif isinstance(axis, str):
            array = np.take(array, (np.arange(sizes[axis]) + 5 * row + 11 * seed) % count, i)
    return array
