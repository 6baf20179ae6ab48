"""States of networks before the first call of a stream."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from voxstack.errors import AddonError, NetworkError
from voxstack_addon_spec import NetworkSpec, State, Tensor
from voxstack_addon_spec.integrity import wrap_os_errors

States = dict[str, np.ndarray]
"""States of a network by input name, with their batch axis."""


def first_states(spec: NetworkSpec, batch: int = 1) -> States:
    """Return the states of a network before its first call, read-only: zeros, or the values in files of the addon.

    Those that the utterance provides are left out.

    :raises AddonError: if a file does not have the dtype and the axes of its state.
    """
    states: States = {}
    for name, state in spec.states.items():
        if not state.provided:
            states[name] = _first_state(spec, name, state, batch)
            states[name].flags.writeable = False
    return states


def provided_states(spec: NetworkSpec, utterance: Mapping[str, Any]) -> States:
    """Return the states before the first call that the utterance provides, as a batch of one.

    :raises NetworkError: if it has none, or if one does not have the dtype and the axes of its state.
    """
    states: States = {}
    for name in sorted(spec.provided):
        tensor, where = spec.inputs[name], f"network {spec.name!r}, state {name!r}"
        if name not in utterance:
            raise NetworkError(f"{where}: the utterance has no {name!r}; let a block before it give that")
        value = np.asarray(utterance[name])
        if not np.can_cast(value.dtype, tensor.dtype, "same_kind") or not _fits(value.shape, tensor, None):
            found, expected = f"{value.dtype} {list(value.shape)}", f"{tensor.dtype} {_axes_of_one(tensor)}"
            raise NetworkError(f"{where}: the utterance has {found}; it takes {expected}")
        states[name] = _add_batch(value.astype(tensor.dtype, copy=False), tensor, 1)
    return states


def _first_state(spec: NetworkSpec, name: str, state: State, batch: int) -> np.ndarray:
    tensor = spec.inputs[name]
    if state.initial is not None:
        return _add_batch(_read(spec, name, state.initial, state.steps), tensor, batch).copy()
    shape = [batch if axis == "batch" else state.steps if isinstance(axis, str) else axis for axis in tensor.shape]
    return np.zeros(shape, tensor.dtype)


def _read(spec: NetworkSpec, name: str, file: str, steps: int) -> np.ndarray:
    """Return the content of a file, which is read once its header fits."""
    tensor, where = spec.inputs[name], f"network {spec.name!r}: {file}"
    path = spec.path(file)
    with wrap_os_errors(where):
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    is_array = isinstance(array, np.ndarray)  # an .npz opens, too
    if not is_array or array.dtype != tensor.dtype or not _fits(array.shape, tensor, steps):
        found = f"{array.dtype} {list(array.shape)}" if is_array else "no .npy"
        expected = [steps if isinstance(axis, str) else axis for axis in _axes_of_one(tensor)]
        problem = f"is {found}, and the state {name!r} begins as {tensor.dtype} {expected}; package the network again"
        raise AddonError(where, problem)
    return np.array(array)


def _axes_of_one(tensor: Tensor) -> list[str | int]:
    return [axis for axis in tensor.shape if axis != "batch"]


def _fits(shape: Sequence[int], tensor: Tensor, steps: int | None) -> bool:
    """Return whether a shape without the batch fits a state whose free axis has this length; None: any."""
    axes = _axes_of_one(tensor)
    expected = [steps if isinstance(axis, str) else axis for axis in axes]
    return len(shape) == len(axes) and all(b in (None, a) for a, b in zip(shape, expected, strict=True))


def _add_batch(array: np.ndarray, tensor: Tensor, batch: int) -> np.ndarray:
    """Return the value of one stream as that of every row of a batch."""
    if "batch" not in tensor.shape:
        return array
    position = tensor.shape.index("batch")
    shape = [*array.shape[:position], batch, *array.shape[position:]]
    return np.broadcast_to(np.expand_dims(array, position), shape)
