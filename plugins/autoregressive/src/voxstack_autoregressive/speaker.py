"""One utterance that is spoken step by step: what its steps read, and what they have made."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from voxstack import Utterance
from voxstack.networks import Network, NetworkSpec, States
from voxstack_autoregressive.noise import StepNoise


class Made(NamedTuple):
    """Steps of one utterance: frames, (frames, features), and attention, (steps, tokens), if the network tells it."""

    frames: np.ndarray
    attention: np.ndarray | None


class Speaker:
    """What belongs to one utterance.

    :param group: pad what is attended to a multiple of so many tokens, where the network has a mask for it; 0: don't.
    :param steps_per_token: at most so many steps for each token, and ``spare_steps`` more.
    """

    def __init__(
        self, network: Network, utterance: Utterance, group: int, steps_per_token: float, spare_steps: int
    ) -> None:
        spec = network.spec
        assert spec.autoregressive is not None, "the block refuses others"
        inputs = {name: _batched(utterance[name], spec, name) for name in spec.needs}
        axis, mask = attended_axis(spec), mask_of(spec)
        places = {name: spec.inputs[name].shape.index(axis) for name in inputs if axis in spec.inputs[name].shape}
        self.tokens = next((inputs[name].shape[place] for name, place in places.items()), _longest(inputs))
        """Tokens of the utterance, or whatever is attended."""
        padding = -self.tokens % group if group and mask else 0
        if padding:
            for name, place in places.items():
                inputs[name] = np.pad(
                    inputs[name], [(0, padding if i == place else 0) for i in range(inputs[name].ndim)]
                )
        if mask is not None:
            inputs[mask] = np.zeros((1, self.tokens + padding), spec.inputs[mask].dtype)
            inputs[mask][:, : self.tokens] = 1
        self.inputs = inputs
        self.noise = StepNoise(spec.autoregressive.noise, spec, utterance)
        self.states: States = spec.first_states()
        self.position = 0
        """Token attended most in the step before; ``stay``: for how many steps; ``left_behind``: tokens that are left for good."""
        self.stay = self.left_behind = 0
        self.left = max(1, math.ceil(steps_per_token * self.tokens) + spare_steps)
        """Steps that may still be made."""
        self.stopped = False
        """Whether the network has said that all is said."""
        self.wanted = 0
        """Steps that are still to be made for the chunk that is asked for."""
        self._frames: list[np.ndarray] = []
        self._attention: list[np.ndarray] = []
        self._form = [(name, array.shape, array.dtype) for name, array in inputs.items()]
        self.error: Exception | None = None
        self.leads = self.gone = False
        self.woken = threading.Lock()
        self.woken.acquire()

    @property
    def ended(self) -> bool:
        """Whether there is no further step."""
        return self.stopped or self.left == 0

    @property
    def done(self) -> bool:
        """Whether all steps of the chunk are made."""
        return self.wanted == 0 or self.ended

    @property
    def form(self) -> object:
        """What utterances have in common that can be spoken together: the shapes and types of all that their steps read."""
        return self._form, [array.shape for array in self.states.values()]

    def take(self, frames: Sequence[np.ndarray], attention: Sequence[np.ndarray], row: int, stopped: bool) -> None:
        """Take in steps that were made in a batch: of each, frames and attention, of which ``row`` are this utterance's."""
        self._frames += [step[row] for step in frames]
        self._attention += [step[row, : self.tokens] for step in attention]
        self.stopped = stopped
        self.wanted -= len(frames)
        self.left -= len(frames)

    def give(self) -> Made:
        """Return all that was made since this was asked last."""
        made = Made(np.concatenate(self._frames), np.stack(self._attention) if self._attention else None)
        self._frames, self._attention = [], []
        return made


def attended_axis(spec: NetworkSpec) -> str | None:
    """The axis that a network tells its attention of."""
    steps = spec.autoregressive
    return str(spec.outputs[steps.attention].shape[1]) if steps is not None and steps.attention else None


def mask_of(spec: NetworkSpec) -> str | None:
    """The mask input of what a network attends to; None if there is none, or the network does not tell its attention."""
    axis = attended_axis(spec)
    masks = (
        name
        for name, tensor in spec.inputs.items()
        if tensor.mask and len(tensor.shape) == 2 and tensor.shape[-1] == axis
    )
    return next(masks, None) if axis is not None else None


def _batched(value: object, spec: NetworkSpec, name: str) -> np.ndarray:
    array = np.asarray(value)
    return array[None] if spec.inputs[name].batched else array


def _longest(inputs: dict[str, np.ndarray]) -> int:
    """Steps of the longest input, for a network that does not tell what it attends to."""
    return max((array.shape[1] for array in inputs.values() if array.ndim > 1), default=1)
