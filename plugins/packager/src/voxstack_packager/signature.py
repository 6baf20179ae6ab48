"""Inputs and outputs of networks, and arrays that fit them: axes have names, and names have sizes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from voxstack.networks import Tensor
from voxstack_packager.errors import PackagingError

DEFAULT_SIZE = 24
"""Size of a named axis that nothing else determines."""

Arrays = Mapping[str, np.ndarray]
"""Arrays by the names of inputs or outputs."""

MakeExamples = Callable[[Mapping[str, int], int], Arrays]
"""Returns example inputs for a size of every named axis and a seed."""


class SignatureLike(Protocol):
    """Anything with named inputs and outputs, such as a ``NetworkSpec``."""

    @property
    def inputs(self) -> Mapping[str, Tensor]: ...
    @property
    def outputs(self) -> Mapping[str, Tensor]: ...


@dataclass(frozen=True)
class Signature:
    """Inputs and outputs of a network by name."""

    inputs: Mapping[str, Tensor]
    outputs: Mapping[str, Tensor]


def input_axes(signature: SignatureLike) -> list[str]:
    """Return the names of the axes of all inputs, each once."""
    shapes = (tensor.shape for tensor in signature.inputs.values())
    return list(dict.fromkeys(axis for shape in shapes for axis in shape if isinstance(axis, str)))


def mask_axes(signature: SignatureLike) -> list[str]:
    """Return the names of the axes that have a mask input."""
    return list(dict.fromkeys(str(tensor.shape[-1]) for tensor in signature.inputs.values() if tensor.mask))


def default_sizes(signature: SignatureLike, **sizes: int) -> dict[str, int]:
    """Return a size for every axis: the one in ``sizes``, else 1 for the batch and :data:`DEFAULT_SIZE` for others."""
    return {axis: sizes.get(axis, 1 if axis == "batch" else DEFAULT_SIZE) for axis in input_axes(signature)}


def axis_sizes(arrays: Arrays, signature: SignatureLike) -> dict[str, int]:
    """Return the sizes of the named axes of these inputs."""
    shapes = [(signature.inputs[name].shape, array.shape) for name, array in arrays.items() if name in signature.inputs]
    return {
        axis: size for axes, sizes in shapes for axis, size in zip(axes, sizes, strict=False) if isinstance(axis, str)
    }


def concrete_shape(tensor: Tensor, sizes: Mapping[str, int]) -> tuple[int, ...]:
    """Return the shape of a tensor whose named axes have these sizes."""
    return tuple(sizes[axis] if isinstance(axis, str) else axis for axis in tensor.shape)


def time_axis(tensor: Tensor, axis: str, signature: SignatureLike) -> int | None:
    """Return the position of the streaming axis in an output, or of an axis of its own (``samples``) that replaces it.

    None if the output has neither.
    """
    if axis in tensor.shape:
        return tensor.shape.index(axis)
    known = input_axes(signature)
    return next((i for i, name in enumerate(tensor.shape) if isinstance(name, str) and name not in known), None)


def complete_inputs(
    arrays: Mapping[str, Any], signature: SignatureLike, sizes: Mapping[str, int], where: str
) -> dict[str, np.ndarray]:
    """Return the arrays in the order of the inputs, with masks of ones where none are provided.

    :raises PackagingError: naming the array that is missing, unknown, or of another dtype or shape than declared.
    """
    unknown = sorted(arrays.keys() - signature.inputs.keys())
    if unknown:
        accepted = list(signature.inputs)
        raise PackagingError(where, f"provides {unknown}, which the network does not accept; it accepts {accepted}")
    complete: dict[str, np.ndarray] = {}
    for name, tensor in signature.inputs.items():
        shape = concrete_shape(tensor, sizes)
        if name not in arrays and not tensor.mask:
            raise PackagingError(where, f"provides no {name!r}; add it")
        array = np.ones(shape, tensor.dtype) if name not in arrays else np.asarray(arrays[name])
        if array.shape != shape or array.dtype != tensor.dtype:
            found, declared = f"{array.dtype} {array.shape}", f"{tensor.dtype} {shape}"
            raise PackagingError(where, f"{name!r} is {found} and should be {declared} for the sizes {dict(sizes)}")
        complete[name] = array
    return complete


def fit_examples(
    examples: Arrays, signature: SignatureLike, sizes: Mapping[str, int], seed: int, where: str
) -> dict[str, np.ndarray]:
    """Return the examples cut or repeated to these sizes along their named axes.

    Every row of the batch, and every seed, starts at another place of the example.

    :raises PackagingError: if an example has the wrong number of axes, or is empty.
    """
    fitted: dict[str, np.ndarray] = {}
    for name, example in examples.items():
        tensor, array = signature.inputs.get(name), np.asarray(example)
        if tensor is None or array.ndim != len(tensor.shape) or not array.size:
            target = "not an input" if tensor is None else f"an input with the axes {list(tensor.shape)}"
            raise PackagingError(
                where, f"{name!r} has the shape {array.shape} and is {target}; provide an array that fits"
            )
        rows = range(sizes["batch"]) if "batch" in tensor.shape else range(1)
        cuts = [_fit_row(array, tensor, sizes, row, seed) for row in rows]
        fitted[name] = np.concatenate(cuts, tensor.shape.index("batch")) if "batch" in tensor.shape else cuts[0]
    return fitted


def _fit_row(array: np.ndarray, tensor: Tensor, sizes: Mapping[str, int], row: int, seed: int) -> np.ndarray:
    """Return one row of a batch, each axis repeated from an offset on that depends on the row and the seed."""
    for i, axis in enumerate(tensor.shape):
        count = array.shape[i]
        if axis == "batch":
            array = np.take(array, [row % count], i)
        elif isinstance(axis, str):
            array = np.take(array, (np.arange(sizes[axis]) + 5 * row + 11 * seed) % count, i)
    return array
