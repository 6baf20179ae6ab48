"""Utterances that make their steps as one batch."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence

import numpy as np

from voxstack.networks import Network
from voxstack_autoregressive.speaker import Speaker, mask_of


class Ensemble:
    """One or several utterances whose steps are made together: a step of all costs one call, and they are stacked once.

    :param back: tokens before the one attended most last that may be attended, ``ahead`` those behind it; None: any.
    :raises NetworkError: if what they read does not fit the network.
    """

    def __init__(self, network: Network, speakers: Sequence[Speaker], back: int | None, ahead: int | None) -> None:
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
        if mask is not None and (back, ahead) != (None, None):
            self._allowed = _Allowed(inputs[mask], [speaker.position for speaker in speakers], back, ahead)
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
            if len(frames) == most or stop.max() > 0:
                break
        self._states = states
        for row, speaker in enumerate(speakers):
            speaker.take(frames, attention, row, bool(stop[row, 0] > 0))

    def dissolve(self) -> None:
        """Give each speaker what it carries, to go on without these others."""
        positions = self._allowed.positions if self._allowed is not None else [0] * len(self.speakers)
        for row, speaker in enumerate(self.speakers):
            speaker.states = {n: value if n in self._shared else value[row : row + 1] for n, value in self._states.items()}
            speaker.position = int(positions[row])

    def _stacked(self, parts: Sequence[Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
        if len(parts) == 1:
            return dict(parts[0])
        return {name: x if name in self._shared else np.concatenate([part[name] for part in parts]) for name, x in parts[0].items()}


class _Allowed:
    """Which tokens may be attended, around where the step before has looked.

    :param real: (batch, tokens) 1 for tokens, 0 for padding.
    """

    def __init__(self, real: np.ndarray, positions: Sequence[int], back: int | None, ahead: int | None) -> None:
        self._real = real
        self._around = _around(real.shape[1], back, ahead, real.dtype.str)
        self.mask = real.copy()
        self.positions = np.array(positions)
        self._allow()

    def look(self, attention: np.ndarray) -> None:
        """Take in where a step looked, (batch, tokens), for the next one; its runtime has read the mask by now."""
        self.positions = attention.argmax(1)
        self._allow()

    def _allow(self) -> None:
        np.multiply(self._real, self._around[self.positions], out=self.mask)


@functools.lru_cache(64)
def _around(tokens: int, back: int | None, ahead: int | None, dtype: str) -> np.ndarray:
    """(position, token) 1 for the tokens that may be attended after each position."""
    away = np.arange(tokens) - np.arange(tokens)[:, None]
    made: np.ndarray = ((away >= -(tokens if back is None else back)) & (away <= (tokens if ahead is None else ahead))).astype(dtype)
    made.flags.writeable = False
    return made
