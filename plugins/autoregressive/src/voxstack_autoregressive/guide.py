"""What the steps of one utterance read, and where they may look."""

from __future__ import annotations

import numpy as np

from voxstack import Utterance
from voxstack.networks import NetworkSpec


class Guide:
    """Inputs of an autoregressive network that are the same in each step, and the mask of what may be attended, which is not.

    :param back: tokens before the one attended most last that may be attended, ``ahead`` those behind it; None: any.
    :param group: pad what is attended to a multiple of so many tokens; 0: don't.
    """

    def __init__(self, spec: NetworkSpec, utterance: Utterance, back: int | None, ahead: int | None, group: int) -> None:
        self.stopped = False
        """Whether the network has said that all is said."""
        self.inputs = {name: _batched(utterance[name], spec, name) for name in spec.needs}
        axis = attended_axis(spec)
        places = [(name, spec.inputs[name].shape.index(axis)) for name in self.inputs if axis in spec.inputs[name].shape]
        self.tokens = self.inputs[places[0][0]].shape[places[0][1]] if places else _longest(self.inputs)
        """Tokens of the utterance, or whatever is attended."""
        self._back, self._ahead = back, ahead
        self._allowed: np.ndarray | None = None
        mask = self.mask_of(spec)
        if mask is None:
            return
        padding = -self.tokens % group if group else 0
        if padding:
            for name, place in places:
                widths = [(0, padding if i == place else 0) for i in range(self.inputs[name].ndim)]
                self.inputs[name] = np.pad(self.inputs[name], widths)
        real = np.zeros((1, self.tokens + padding), spec.inputs[mask].dtype)
        real[:, : self.tokens] = 1
        self.inputs[mask] = real
        if back is not None or ahead is not None:
            self._allowed = self.inputs[mask] = real.copy()
            self._allow(0)

    @staticmethod
    def mask_of(spec: NetworkSpec) -> str | None:
        """The mask input of what a network attends to; None if there is none, or the network does not tell its attention."""
        axis = attended_axis(spec)
        masks = (name for name, tensor in spec.inputs.items() if tensor.mask and len(tensor.shape) == 2 and tensor.shape[-1] == axis)
        return next(masks, None) if axis is not None else None

    def look(self, attention: np.ndarray) -> None:
        """Take in where a step looked, (tokens,), for the next one."""
        if self._allowed is not None:
            self._allow(int(attention.argmax()))

    def _allow(self, position: int) -> None:
        """Let the tokens around a position be attended; a runtime has read the mask of the step before by now."""
        assert self._allowed is not None
        first = 0 if self._back is None else max(0, position - self._back)
        stop = self.tokens if self._ahead is None else min(self.tokens, position + self._ahead + 1)
        self._allowed[:] = 0
        self._allowed[:, first:stop] = 1


def attended_axis(spec: NetworkSpec) -> str | None:
    """The axis that a network tells its attention of."""
    steps = spec.autoregressive
    return str(spec.outputs[steps.attention].shape[1]) if steps is not None and steps.attention else None


def _batched(value: object, spec: NetworkSpec, name: str) -> np.ndarray:
    array = np.asarray(value)
    return array[None] if spec.inputs[name].batched else array


def _longest(inputs: dict[str, np.ndarray]) -> int:
    """Steps of the longest input, for a network that does not tell what it attends to."""
    return max((array.shape[1] for array in inputs.values() if array.ndim > 1), default=1)
