"""Caches to which every step appends, kept in arrays with room for more, which steps read in place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from voxstack.networks import NetworkSpec, States

ROOM = 64
"""Steps by which the arrays grow. Growing copies them, and padding is computed with."""


class StepCache:
    """The appended states of one or several utterances, one in each row, of any lengths.

    A state has the steps of its utterance first, then zeros, which the mask of its axis hides.

    :param spec: of the network.
    :param arrays: appended states by name, with a batch axis and at least as many steps as the longest row.
    :param lengths: steps of each row.
    :param shared: whether other rows are in the same arrays.
    """

    def __init__(
        self, spec: NetworkSpec, arrays: Mapping[str, np.ndarray], lengths: np.ndarray, shared: bool = False
    ) -> None:
        self._spec, self._arrays, self._lengths, self._shared = spec, dict(arrays), lengths, shared
        self._mask = np.zeros((len(lengths), 0), np.float32)
        self._axes, self._mask_name = spec.appended, spec.cache_mask
        self._rows = np.arange(len(lengths))
        if self._mask_name is not None and not shared:
            self._make_room()

    @classmethod
    def of(cls, spec: NetworkSpec, states: States) -> StepCache:
        """Return the cache of an utterance whose states are these."""
        arrays = {name: states[name] for name in spec.appended}
        name, axis = next(iter(spec.appended.items()))
        return cls(spec, arrays, np.array([arrays[name].shape[axis]]))

    @classmethod
    def joined(cls, parts: Sequence[StepCache]) -> StepCache:
        """Return the rows of several caches in one; a single cache as it is, if its arrays are its own."""
        if len(parts) == 1 and not parts[0]._shared:
            return parts[0]
        first, lengths = parts[0], np.concatenate([part._lengths for part in parts])
        steps = _rounded(int(lengths.max()) + 1) if first._mask_name is not None else int(lengths.max())
        arrays = {}
        for name, axis in first._axes.items():
            shape = list(first._arrays[name].shape)
            shape[0], shape[axis] = len(lengths), steps
            array = arrays[name] = np.zeros(shape, first._arrays[name].dtype)
            row = 0
            for part in parts:
                held = min(steps, part._arrays[name].shape[axis])
                target, source = (np.moveaxis(whole, axis, 1) for whole in (array, part._arrays[name]))
                target[row : row + len(part._lengths), :held] = source[:, :held]
                row += len(part._lengths)
        return cls(first._spec, arrays, lengths)

    def row(self, row: int, own: bool) -> StepCache:
        """Return a row as a cache; the only row as it is.

        :param own: copy it; otherwise it shares the arrays of all rows, until it is joined with others.
        """
        if len(self._lengths) == 1:
            return self
        lengths = self._lengths[row : row + 1].copy()
        if not own:
            arrays = {name: array[row : row + 1] for name, array in self._arrays.items()}
            return StepCache(self._spec, arrays, lengths, shared=True)
        steps = int(lengths[0]) if self._mask_name is None else _rounded(int(lengths[0]) + 1)
        arrays = {name: _resized(array[row : row + 1], self._axes[name], steps) for name, array in self._arrays.items()}
        return StepCache(self._spec, arrays, lengths)

    @property
    def key(self) -> object:
        """The length that the caches of one batch have in common; None, that is any, if a mask hides padding."""
        return None if self._mask_name is not None else self._lengths.tolist()

    @property
    def lengths(self) -> np.ndarray:
        """Steps of each row."""
        return self._lengths

    def inputs(self) -> dict[str, np.ndarray]:
        """Return the states and their mask, for the next step."""
        if self._mask_name is None:
            return self._arrays
        return {**self._arrays, self._mask_name: self._mask}

    def append(self, outputs: Mapping[str, np.ndarray]) -> None:
        """Append the new steps of the outputs of a step; the runtime has read the arrays by now."""
        states = self._spec.states
        if self._mask_name is None:
            self._arrays = {
                name: np.concatenate([self._arrays[name], outputs[states[name].next]], axis)
                for name, axis in self._axes.items()
            }
            self._lengths = self._lengths + 1
            return
        rows, places = self._rows, self._lengths
        for name, axis in self._axes.items():  # views with moved axes would take longer than all copies
            between: tuple[Any, ...] = (slice(None),) * (axis - 1)
            self._arrays[name][(rows, *between, places)] = outputs[states[name].next][(slice(None), *between, 0)]
        self._mask[rows, places] = 1
        self._lengths = places + 1
        self._make_room()

    def truncate(self, lengths: np.ndarray) -> None:
        """Remove the steps of each row after these lengths."""
        for name, axis in self._axes.items():
            steps = np.moveaxis(self._arrays[name], axis, 1)
            for row, length in enumerate(lengths):
                steps[row, length:] = 0
        if self._mask_name is None:
            self._arrays = {
                name: _resized(array, self._axes[name], int(lengths[0])) for name, array in self._arrays.items()
            }
        else:
            self._mask[:] = np.arange(self._mask.shape[1]) < lengths[:, None]
        self._lengths = lengths

    def _make_room(self) -> None:
        """Make sure that a step can be appended to each row."""
        name, axis = next(iter(self._axes.items()))
        steps, needed = self._arrays[name].shape[axis], int(self._lengths.max()) + 1
        if steps < needed:
            steps = _rounded(needed)
            for name, axis in self._axes.items():  # one by one, so that there is never a second copy of all
                self._arrays[name] = _resized(self._arrays[name], axis, steps)
        if self._mask.shape[1] != steps:
            assert self._mask_name is not None, "without a mask there is no padding"
            dtype = self._spec.inputs[self._mask_name].dtype
            self._mask = (np.arange(steps) < self._lengths[:, None]).astype(dtype)


def _rounded(steps: int) -> int:
    return -(-steps // ROOM) * ROOM


def _resized(array: np.ndarray, axis: int, steps: int) -> np.ndarray:
    """Return a copy with this number of steps: the first ones, then zeros."""
    shape = list(array.shape)
    shape[axis], held = steps, min(steps, array.shape[axis])
    copy = np.zeros(shape, array.dtype)
    np.moveaxis(copy, axis, 0)[:held] = np.moveaxis(array, axis, 0)[:held]
    return copy
