"""States of networks in addon.json, and the files of their initial values."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from voxstack.networks import State, Tensor
from voxstack_packager.errors import PackagingError


def state_entries(
    where: str,
    states: Mapping[str, State],
    initial: Mapping[str, np.ndarray],
    inputs: Mapping[str, Tensor],
    folder: Path,
) -> dict[str, Any]:
    """Write the initial values of states, and return ``states`` as addon.json has it.

    :param where: name of the network, with which the files begin.
    :param initial: values before the first call by input name, without the batch axis.
    :raises PackagingError: if a value is of no state, or does not have the dtype and the axes of its state.
    """
    unknown = sorted(initial.keys() - states.keys())
    if unknown:
        raise PackagingError(where, f"'initial' has {unknown}, which are no states; the states are {list(states)}")
    return {name: _entry(where, name, state, initial.get(name), inputs[name], folder) for name, state in states.items()}


def _entry(
    where: str, name: str, state: State, value: np.ndarray | None, tensor: Tensor, folder: Path
) -> dict[str, Any]:
    append = {"append": True} if state.append else {}
    return _first_entry(where, name, state, value, tensor, folder) | append


def _first_entry(
    where: str, name: str, state: State, value: np.ndarray | None, tensor: Tensor, folder: Path
) -> dict[str, Any]:
    axes = [axis for axis in tensor.shape if axis != "batch"]
    free = [i for i, axis in enumerate(axes) if isinstance(axis, str)]
    if state.provided:
        return {"next": state.next, "provided": True}
    if value is None:
        return {"next": state.next, **({"steps": state.steps} if free else {})}
    array = np.ascontiguousarray(value)
    sizes = zip(axes, array.shape, strict=False)
    if array.ndim != len(axes) or array.dtype != tensor.dtype or any(a != b for a, b in sizes if isinstance(a, int)):
        found, declared = f"{array.dtype} {list(array.shape)}", f"{tensor.dtype} {axes}"
        raise PackagingError(where, f"the initial value of {name!r} is {found} and should be {declared}, without batch")
    file = f"{where}.{name}.npy"
    np.save(folder / file, array, allow_pickle=False)
    return {"next": state.next, **({"steps": array.shape[free[0]]} if free else {}), "initial": file}
