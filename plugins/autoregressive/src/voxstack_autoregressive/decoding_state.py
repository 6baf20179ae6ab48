"""The state of one utterance between its decoding steps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from voxstack import NetworkError, Utterance
from voxstack.networks import Network, NetworkSpec, States
from voxstack.streaming.combiner import Job
from voxstack_autoregressive.noise import StepNoise
from voxstack_autoregressive.step_cache import StepCache


class Decoded(NamedTuple):
    """Steps of one utterance: frames, (frames, features), and attention, (steps, tokens), if the network reports it."""

    frames: np.ndarray
    attention: np.ndarray | None


class DecodingState(Job):
    """The inputs, states and latest steps of one utterance.

    :param group: number of tokens to a multiple of which the attended input is padded, if the network has a mask for
        it; 0: no padding.
    :param steps_per_token: limit of steps per token; ``spare_steps`` are added to it.
    """

    def __init__(
        self, network: Network, utterance: Utterance, group: int, steps_per_token: float, spare_steps: int
    ) -> None:
        super().__init__()
        spec = network.spec
        assert spec.autoregressive is not None, "the block refuses other networks"
        inputs = {name: _add_batch(utterance[name], spec, name) for name in spec.needs}
        axis, mask = attended_axis(spec), mask_of(spec)
        positions = {name: spec.inputs[name].shape.index(axis) for name in inputs if axis in spec.inputs[name].shape}
        lengths = (inputs[name].shape[position] for name, position in positions.items())
        self.tokens = next(lengths, _tokens_of(utterance, inputs))
        """Steps of what is attended; if that is a cache, or the network does not report it, tokens of the utterance."""
        padding = -self.tokens % group if group and mask else 0
        if padding:
            for name, position in positions.items():
                widths = [(0, padding if axis == position else 0) for axis in range(inputs[name].ndim)]
                inputs[name] = np.pad(inputs[name], widths)
        if mask is not None:
            inputs[mask] = np.zeros((1, self.tokens + padding), spec.inputs[mask].dtype)
            inputs[mask][:, : self.tokens] = 1
        self.inputs = inputs
        self.noise = StepNoise(spec.autoregressive.noise, spec, utterance)
        states = network.first_states(utterance)
        self._first_token = _first_token(spec, states, self.tokens)
        self.cache = StepCache.of(spec, states) if spec.appended else None
        """States to which every step appends."""
        self.states: States = {name: array for name, array in states.items() if name not in spec.appended}
        """All other states."""
        self.position = 0
        """Token attended most in the latest step."""
        self.stay = 0
        """Steps for which it has been attended most."""
        self.abandoned = 0
        """Number of leading tokens that may not be attended any more."""
        self.remaining = max(1, math.ceil(steps_per_token * self.tokens) + spare_steps)
        """Steps that may still be decoded."""
        self.stopped = False
        """True once the network has predicted the end."""
        self.wanted = 0
        """Steps still to be decoded for the requested chunk; below 0 if others in its batch needed more."""
        self.isolated = False
        """True once its batch has failed, so that it has to go on alone."""
        self.error: Exception | None = None
        self.decoded = 0
        """Steps that have been decoded."""
        self._frames: list[np.ndarray] = []
        self._attention: list[np.ndarray] = []
        self._form = [(name, array.shape, array.dtype) for name, array in inputs.items()]

    @property
    def key(self) -> object:
        """The shapes and types of all inputs and states, which the utterances of one batch have in common."""
        cached = None if self.cache is None else self.cache.key
        return self._form, [array.shape for array in self.states.values()], cached

    @property
    def ended(self) -> bool:
        """True if there is no further step."""
        return self.stopped or self.remaining == 0

    @property
    def complete(self) -> bool:
        """True once all steps of the requested chunk are decoded."""
        return self.wanted <= 0 or self.ended

    @property
    def done(self) -> bool:
        return self.isolated or self.complete

    def append(self, frames: Sequence[np.ndarray], attention: Sequence[np.ndarray], row: int, stopped: bool) -> None:
        """Append the steps of a batch, of which ``row`` belongs to this utterance."""
        self._frames += [step[row] for step in frames]
        first = self._first_token or 0
        self._attention += [step[row, first : first + self.tokens] for step in attention]
        self.stopped = stopped
        self.wanted -= len(frames)
        self.remaining -= len(frames)
        self.decoded += len(frames)

    @property
    def held(self) -> int:
        """Steps that are decoded and not taken."""
        return len(self._frames)

    def take(self, steps: int) -> Decoded:
        """Remove and return the first ``steps`` of those that are held, or all if they are fewer."""
        frames, rows = self._frames[:steps], self._attention[:steps]
        del self._frames[:steps], self._attention[:steps]
        attention = np.stack(rows) if rows else None
        if attention is not None and self._first_token is not None:  # a cache has more than the tokens
            attention = attention / np.maximum(attention.sum(1, keepdims=True), np.finfo(attention.dtype).tiny)
        return Decoded(np.concatenate(frames), attention)


def attended_axis(spec: NetworkSpec) -> str | None:
    """Return the axis that the attention of a network refers to."""
    steps = spec.autoregressive
    return str(spec.outputs[steps.attention].shape[1]) if steps is not None and steps.attention else None


def mask_of(spec: NetworkSpec) -> str | None:
    """Return the mask input of what a network attends to; None without a mask or a reported attention."""
    axis = attended_axis(spec)
    inputs = ((name, tensor) for name, tensor in spec.inputs.items() if name != spec.cache_mask)
    masks = (name for name, tensor in inputs if tensor.mask and len(tensor.shape) == 2 and tensor.shape[-1] == axis)
    return next(masks, None) if axis is not None else None


def _first_token(spec: NetworkSpec, states: States, tokens: int) -> int | None:
    """Return the step of the first token in a cache that is attended, whose first value ends with the tokens.

    None: it is not a cache that is attended.

    :raises NetworkError: if the cache has fewer steps than there are tokens.
    """
    axis = attended_axis(spec)
    for name in spec.states:
        if axis not in spec.inputs[name].shape:
            continue
        given: int = states[name].shape[spec.inputs[name].shape.index(axis)]
        if given < tokens:
            problem = f"begins with {given} steps, and the utterance has {tokens} tokens"
            advice = "a cache that is attended begins with a step for each token, after those of a prompt"
            raise NetworkError(f"network {spec.name!r}, input {name!r}: {problem}; {advice}")
        return given - tokens
    return None


def _add_batch(value: object, spec: NetworkSpec, name: str) -> np.ndarray:
    array = np.asarray(value)
    return array[None] if spec.inputs[name].batched else array


def _tokens_of(utterance: Utterance, inputs: dict[str, np.ndarray]) -> int:
    """Return the number of tokens of the utterance, or else the steps of the longest input."""
    tokens = utterance.get("tokens")
    if tokens is not None:
        return len(tokens)
    return max((array.shape[1] for array in inputs.values() if array.ndim > 1), default=1)
