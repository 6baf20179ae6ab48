"""Utterances whose steps run as one batch, and the bounds of their attention."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from voxstack.networks import Network
from voxstack_autoregressive.decoding_state import DecodingState, mask_of
from voxstack_autoregressive.step_cache import StepCache


class StepBatch:
    """One or several utterances that share a network call per step; they are stacked once.

    :param bounds: limits of their attention.
    :raises NetworkError: if their inputs do not fit the network.
    """

    def __init__(self, network: Network, members: Sequence[DecodingState], bounds: Bounds) -> None:
        names, spec = network.spec.autoregressive, network.spec
        assert names is not None, "the block refuses other networks"
        self.members = list(members)
        self._names = names
        self._carried = [(name, state.next) for name, state in names.states.items() if not state.append]
        self._shared = frozenset(name for name, tensor in spec.inputs.items() if not tensor.batched)
        self._states = self._stacked([member.states for member in members])
        caches = [member.cache for member in members if member.cache is not None]
        self._cache = StepCache.joined(caches) if caches else None
        inputs = self._stacked([member.inputs for member in members])
        self._allowed: _AllowedTokens | None = None
        mask = mask_of(spec)
        if mask is not None and bounds != Bounds():
            self._allowed = _AllowedTokens(inputs[mask], members, bounds)
            inputs[mask] = self._allowed.mask
        self._step = network.bind(**inputs)

    def run(self, limit: int) -> None:
        """Decode up to ``limit`` steps, fewer if a member ends before.

        Members may receive more steps than they want: to take one out, all states are copied.
        """
        lengths = None if self._cache is None else self._cache.lengths
        try:
            self._run(limit)
        except BaseException:  # the members go on from the last step that all have made
            if self._cache is not None and lengths is not None:
                self._cache.truncate(lengths)
            raise

    def _run(self, limit: int) -> None:
        names, step, states, allowed, members = self._names, self._step, self._states, self._allowed, self.members
        cache = self._cache
        limit = min(limit, max(member.wanted for member in members), *(member.remaining for member in members))
        frames: list[np.ndarray] = []
        attention: list[np.ndarray] = []
        while True:
            noise = self._stacked([member.noise.draw() for member in members]) if names.noise else {}
            outputs = step(**noise, **states, **(cache.inputs() if cache is not None else {}))
            states = {name: outputs[following] for name, following in self._carried}
            if cache is not None:
                cache.append(outputs)
            frames.append(outputs[names.frames])
            if names.attention is not None:
                attention.append(outputs[names.attention])
                if allowed is not None:
                    allowed.follow(attention[-1])
            stop = outputs[names.stop]
            if len(frames) == limit or stop.max() > 0 or (allowed is not None and allowed.any_exhausted):
                break
        self._states = states
        for row, member in enumerate(members):
            exhausted = allowed is not None and bool(allowed.exhausted[row])
            member.append(frames, attention, row, stopped=bool(stop[row, 0] > 0) or exhausted)

    def unstack(self) -> None:
        """Write the states back to the members, so that each can go on in another batch."""
        for row, member in enumerate(self.members):
            member.states = {
                name: value if name in self._shared else value[row : row + 1] for name, value in self._states.items()
            }
            if self._cache is not None:
                member.cache = self._cache.row(row, own=member.done)  # others soon go on in another batch
            if self._allowed is not None:
                allowed = self._allowed
                member.position, member.stay = int(allowed.positions[row]), int(allowed.stays[row])
                member.abandoned = int(allowed.abandoned[row])

    def _stacked(self, parts: Sequence[Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
        if len(parts) == 1:
            return dict(parts[0])
        return {
            name: array if name in self._shared else np.concatenate([part[name] for part in parts])
            for name, array in parts[0].items()
        }


class Bounds(NamedTuple):
    """Limits of an attention; None: no limit.

    :param back: tokens before the one attended most in the previous step that may be attended.
    :param ahead: tokens after it that may be attended.
    :param longest: steps for which one token may be attended most; then it and the tokens before it are abandoned.
    """

    back: int | None = None
    ahead: int | None = None
    longest: int | None = None


class _AllowedTokens:
    """The tokens that the next step may attend, given where the previous steps attended.

    :param real: (batch, tokens) 1 for tokens, 0 for padding.
    """

    def __init__(self, real: np.ndarray, members: Sequence[DecodingState], bounds: Bounds) -> None:
        self._real, self._longest = real, bounds.longest
        self._around = _around(real.shape[1], bounds.back, bounds.ahead, real.dtype.str)
        self.mask = real.copy()
        self.positions = np.array([member.position for member in members])
        self.stays = np.array([member.stay for member in members])
        self.abandoned = np.array([member.abandoned for member in members])
        """Number of leading tokens that may not be attended any more."""
        self.exhausted = np.zeros(len(members), bool)
        """Members with no token left to attend."""
        self.any_exhausted = False
        self._update()

    def follow(self, attention: np.ndarray) -> None:
        """Update the mask for the next step; the runtime has read the mask of this step by now.

        :param attention: (batch, tokens) of the latest step.
        """
        positions = attention.argmax(1)
        if self._longest is not None:
            self.stays = np.where(positions == self.positions, self.stays + 1, 1)
        self.positions = positions
        self._update()

    def _update(self) -> None:
        np.multiply(self._real, self._around[self.positions], out=self.mask)
        if self._longest is None:
            return
        too_long = self.stays >= self._longest
        if too_long.any():
            self.abandoned = np.where(too_long, self.positions + 1, self.abandoned)
        if self.abandoned.any():
            for row, first in enumerate(self.abandoned):
                self.mask[row, :first] = 0
                self.exhausted[row] = not self.mask[row].any()
            self.any_exhausted = bool(self.exhausted.any())


@functools.lru_cache(64)
def _around(tokens: int, back: int | None, ahead: int | None, dtype: str) -> np.ndarray:
    """Return (position, token) 1 for the tokens that may be attended after each position."""
    offset = np.arange(tokens) - np.arange(tokens)[:, None]
    first, last = -(tokens if back is None else back), tokens if ahead is None else ahead
    allowed: np.ndarray = ((offset >= first) & (offset <= last)).astype(dtype)
    allowed.flags.writeable = False
    return allowed
