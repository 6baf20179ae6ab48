"""Utterances that make their steps as one batch."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from voxstack.networks import Network
from voxstack_autoregressive.speaker import Speaker, mask_of


class Ensemble:
    """One or several utterances whose steps are made together: a step of all costs one call, and they are stacked once.

    :param bounds: where their attention may be.
    :raises NetworkError: if what they read does not fit the network.
    """

    def __init__(self, network: Network, speakers: Sequence[Speaker], bounds: Bounds) -> None:
        names, spec = network.spec.autoregressive, network.spec
        assert names is not None, "the block refuses others"
        self.speakers = list(speakers)
        self._names = names
        self._carried = [(name, state.next) for name, state in names.states.items()]
        self._shared = frozenset(name for name, tensor in spec.inputs.items() if not tensor.batched)
        self._states = self._stacked([speaker.states for speaker in speakers])
        inputs = self._stacked([speaker.inputs for speaker in speakers])
        self._allowed: _Allowed | None = None
        mask = mask_of(spec)
        if mask is not None and bounds != Bounds():
            self._allowed = _Allowed(inputs[mask], speakers, bounds)
            inputs[mask] = self._allowed.mask
        self._step = network.bound(**inputs)

    def run(self, most: int) -> None:
        """Make steps for all until one is done, but no more than so many."""
        names, step, states, allowed, speakers = self._names, self._step, self._states, self._allowed, self.speakers
        most = min(most, *(min(speaker.wanted, speaker.left) for speaker in speakers))
        frames: list[np.ndarray] = []
        attention: list[np.ndarray] = []
        while True:
            noise = self._stacked([speaker.noise.draw() for speaker in speakers]) if names.noise else {}
            made = step(**noise, **states)
            states = {name: made[following] for name, following in self._carried}
            frames.append(made[names.frames])
            if names.attention is not None:
                attention.append(made[names.attention])
                if allowed is not None:
                    allowed.look(attention[-1])
            stop = made[names.stop]
            if len(frames) == most or stop.max() > 0 or (allowed is not None and allowed.over):
                break
        self._states = states
        for row, speaker in enumerate(speakers):
            speaker.take(
                frames, attention, row, bool(stop[row, 0] > 0) or (allowed is not None and bool(allowed.ended[row]))
            )

    def dissolve(self) -> None:
        """Give each speaker what it carries, to go on without these others."""
        for row, speaker in enumerate(self.speakers):
            speaker.states = {
                n: value if n in self._shared else value[row : row + 1] for n, value in self._states.items()
            }
            if self._allowed is not None:
                allowed = self._allowed
                speaker.position, speaker.stay = int(allowed.positions[row]), int(allowed.stays[row])
                speaker.left_behind = int(allowed.left[row])

    def _stacked(self, parts: Sequence[Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
        if len(parts) == 1:
            return dict(parts[0])
        return {
            name: x if name in self._shared else np.concatenate([part[name] for part in parts])
            for name, x in parts[0].items()
        }


class Bounds(NamedTuple):
    """Where an attention may be; None: anywhere, for ever.

    :param back: tokens before the one attended most in the step before that may be attended, ``ahead`` those behind it.
    :param longest: steps for which one token may be attended most; then it, and what is before it, is left for good.
    """

    back: int | None = None
    ahead: int | None = None
    longest: int | None = None


class _Allowed:
    """Which tokens may be attended, after where the steps before have looked.

    :param real: (batch, tokens) 1 for tokens, 0 for padding.
    """

    def __init__(self, real: np.ndarray, speakers: Sequence[Speaker], bounds: Bounds) -> None:
        self._real, self._longest = real, bounds.longest
        self._around = _around(real.shape[1], bounds.back, bounds.ahead, real.dtype.str)
        self.mask = real.copy()
        self.positions = np.array([speaker.position for speaker in speakers])
        self.stays = np.array([speaker.stay for speaker in speakers])
        self.left = np.array([speaker.left_behind for speaker in speakers])
        """Tokens before which nothing may be attended any more."""
        self.ended = np.zeros(len(speakers), bool)
        """Those that may not stay on their last token any longer."""
        self.over = False
        self._allow()

    def look(self, attention: np.ndarray) -> None:
        """Take in where a step looked, (batch, tokens), for the next one; its runtime has read the mask by now."""
        positions = attention.argmax(1)
        if self._longest is not None:
            self.stays = np.where(positions == self.positions, self.stays + 1, 1)
        self.positions = positions
        self._allow()

    def _allow(self) -> None:
        np.multiply(self._real, self._around[self.positions], out=self.mask)
        if self._longest is None:
            return
        too_long = self.stays >= self._longest
        if too_long.any():
            self.left = np.where(too_long, self.positions + 1, self.left)
        if self.left.any():
            for row, first in enumerate(self.left):
                self.mask[row, :first] = 0
                self.ended[row] = not self.mask[row].any()
            self.over = bool(self.ended.any())


@functools.lru_cache(64)
def _around(tokens: int, back: int | None, ahead: int | None, dtype: str) -> np.ndarray:
    """(position, token) 1 for the tokens that may be attended after each position."""
    away = np.arange(tokens) - np.arange(tokens)[:, None]
    made: np.ndarray = (
        (away >= -(tokens if back is None else back)) & (away <= (tokens if ahead is None else ahead))
    ).astype(dtype)
    made.flags.writeable = False
    return made
