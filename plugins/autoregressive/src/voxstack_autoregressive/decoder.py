"""The block ``AutoregressiveDecoder``, the head of a stream that is decoded step by step."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from voxstack import AddonError, Frames, Resources, Schedule, StreamableBlock, Utterance
from voxstack.networks import Autoregressive, Network, NetworkSpec
from voxstack.networks.sizes import require_any_length
from voxstack.streaming.turn import current_turn
from voxstack_autoregressive.attended_steps import Alignment, AttendedSteps
from voxstack_autoregressive.attention_events import AttentionEvents
from voxstack_autoregressive.continuous_batcher import ContinuousBatcher
from voxstack_autoregressive.decoding_state import DecodingState, mask_of
from voxstack_autoregressive.monotonic_alignment import MonotonicAlignment
from voxstack_autoregressive.step_batch import Bounds, StepBatch

_LOG = logging.getLogger("voxstack.autoregressive")

MAX_BATCH_ERROR = 1e-5
"""Difference between a row alone and in a batch, relative to its scale, above which a network is not batched."""


@dataclass
class AutoregressiveDecoder(StreamableBlock):
    """Decodes frames step by step, with a network that attends to the encoded text and reads its own previous frames.

    In each step the network predicts the next few frames. Its ``autoregressive`` in the addon names its outputs for
    frames, end and attention, and the states that it carries from step to step; nothing else is kept, so memory does
    not grow with the length of the speech unless a state does. Its other inputs come from the utterance by name. The
    block is the head of a stream: the request's schedule says how many frames are wanted at a time, and steps are
    decoded until there are as many. A stream ends with the step whose ``stop`` is above 0.

    Training alone does not keep such a decoder from skipping, repeating or never ending. ``back`` and ``ahead``
    restrict its attention, if the network has a mask for what it attends to (back 0: monotonic), ``longest`` makes it
    leave a token, and it stops after ``steps_per_token`` steps for each token and ``spare_steps`` more. It reports the
    utterance itself to the timeline when it ends and, with attention, words and phonemes once it has passed them: each
    lasts as long as it was attended. The attention of a language model goes back and forth: with ``lag``, each lasts as
    long as the most likely way from the first token to the last stays on it. Where the attended axis is that of a
    cache, the tokens are the last steps that the cache begins with. An utterance's ``attention_watch``, which
    ``AttentionAlarms`` of the diagnostics plugin sets, is called after each chunk with its attention, (steps, tokens),
    and frames per step; and at the end with how it ended.

    :param network: name of the network; by default the addon's only autoregressive one.
    :param context: where it runs, as named in the addon; by default the voice's own context.
    :param back: tokens before the one attended most in the previous step that may be attended; by default any.
    :param ahead: tokens after it that may be attended; by default any.
    :param longest: steps for which it may attend one token most; then it has to attend a later one, and after the last
        token the stream ends.
    :param steps_per_token: limit of steps for each token (or step of whatever is attended),
    :param spare_steps: and steps added to that limit. With 0 for each token, the limit of any text.
    :param lag: align steps with tokens monotonically, where each step is final after this number of further steps
        at the latest; by default the attention itself is monotonic.
    :param group: where the context batches calls, tokens are padded and masked to multiples of this, so that the steps
        of concurrent streams fit together. 0: no padding.
    """

    network: str | None = None
    context: str | None = None
    back: int | None = field(default=None, metadata={"minimum": 0, "maximum": 1_000_000})
    ahead: int | None = field(default=None, metadata={"minimum": 1, "maximum": 1_000_000})
    longest: int | None = field(default=None, metadata={"minimum": 1, "maximum": 1_000_000})
    steps_per_token: float = field(default=4.0, metadata={"minimum": 0, "maximum": 1000})
    spare_steps: int = field(default=20, metadata={"minimum": 0, "maximum": 1_000_000})
    lag: int | None = field(default=None, metadata={"minimum": 1, "maximum": 1000})
    group: int = field(default=64, metadata={"minimum": 0, "maximum": 1024})
    _opened: Network | None = field(default=None, init=False, repr=False, compare=False)
    _batchers: tuple[ContinuousBatcher, ...] = field(default=(), init=False, repr=False, compare=False)

    head = True

    @property
    def needs(self) -> frozenset[str]:
        return self._opened.spec.needs | self._opened.spec.provided if self._opened else frozenset()

    @property
    def makes(self) -> str | None:
        return self._steps.frames if self._opened else None

    def load(self, addon: Resources) -> None:
        spec = _only(addon) if self.network is None else addon.select(self.network, "decoder")
        if spec.autoregressive is None:
            raise AddonError(
                f"{addon.name}: networks.{spec.name}",
                "has no 'autoregressive', so the states that it carries from step to step are unknown; a Decoder "
                "streams it if it has 'streaming', and Encoders run it on whole utterances",
            )
        if self.lag is not None and spec.autoregressive.attention is None:
            problem = "reports no attention, so that 'lag' has nothing to align; leave it out"
            raise AddonError(f"{addon.name}: networks.{spec.name}", problem)
        if self._bounds != Bounds() and mask_of(spec) is None:
            raise AddonError(
                f"{addon.name}: networks.{spec.name}",
                "reports no attention, or has no mask for what it attends to, so 'back', 'ahead' and 'longest' cannot "
                "be enforced; leave them out",
            )
        self._opened = addon.network(spec.name, self.context)
        require_any_length(self._opened)
        rows = self._opened.context.batch
        if rows > 1 and _is_batchable(spec):
            # Two batchers: code without a turn must not wait for code that needs a turn, which might be waiting for it.
            self._batchers = (ContinuousBatcher(self._stack, rows), ContinuousBatcher(self._stack, rows))
        else:
            self._batchers = ()

    def stream(self, source: Frames, utterance: Utterance) -> Frames:
        schedule: Schedule = utterance.get("schedule", Schedule())
        watch, trace = utterance.get("attention_watch"), utterance.get("trace")
        group = self.group if self._batchers else 0
        _warn_about_ignored_prosody(utterance)
        state = DecodingState(self._network, utterance, group, self.steps_per_token, self.spare_steps)
        frames_per_step = int(self._network.spec.outputs[self._steps.frames].shape[1])
        events = AttentionEvents(utterance, self._alignment(state.tokens), frames_per_step)
        decode = self._decoding(state)
        for size in schedule.sizes():
            steps = -(-size // frames_per_step)
            state.wanted = steps - state.held
            if not state.complete:
                decode()
            decoded = state.take(steps)
            ended = state.ended and not state.held
            if decoded.attention is not None:
                events.add(decoded.attention, ended)
                if trace is not None:
                    trace.attend(utterance, decoded.attention, frames_per_step)
                if watch is not None:
                    watch(decoded.attention, frames_per_step)
                    if ended:
                        watch(None, frames_per_step, stopped=state.stopped)
            elif ended:
                events.end(state.decoded * frames_per_step)
            yield decoded.frames
            if ended:
                return

    def _stack(self, states: Sequence[DecodingState]) -> StepBatch:
        return StepBatch(self._network, states, self._bounds)

    def _alignment(self, tokens: int) -> Alignment:
        return AttendedSteps(tokens) if self.lag is None else MonotonicAlignment(tokens, self.lag)

    @property
    def _bounds(self) -> Bounds:
        return Bounds(self.back, self.ahead, self.longest)

    def _decoding(self, state: DecodingState) -> Callable[[], None]:
        """Return a function that decodes the wanted steps of an utterance, in common batches if possible."""
        if self._batchers:
            return lambda: self._batchers[current_turn() is None].decode(state)
        batch = self._stack([state])

        def run() -> None:
            while not state.done:
                batch.run(state.wanted)

        return run

    @property
    def _network(self) -> Network:
        assert self._opened is not None, "AutoregressiveDecoder runs after load(addon)"
        return self._opened

    @property
    def _steps(self) -> Autoregressive:
        steps = self._network.spec.autoregressive
        assert steps is not None, "load(addon) refuses others"
        return steps


def _only(addon: Resources) -> NetworkSpec:
    """Return the only autoregressive network.

    :raises AddonError: unless there is exactly one.
    """
    found = [spec for spec in addon.networks.values() if spec.autoregressive is not None]
    if len(found) != 1:
        names = ", ".join(spec.name for spec in found) or "none"
        problem = f"AutoregressiveDecoder needs one network that is 'autoregressive', and there are: {names}; name one"
        raise AddonError(addon.name, problem)
    return found[0]


def _is_batchable(spec: NetworkSpec) -> bool:
    """Return whether each row of a batch equals the row alone: everything specific to an utterance has a batch axis."""
    tensors = [*spec.inputs.values(), *spec.outputs.values()]
    return all(tensor.batched for tensor in tensors) and (spec.batch_error or 0.0) <= MAX_BATCH_ERROR


def _warn_about_ignored_prosody(utterance: Utterance) -> None:
    """Log the requested pauses and rates that the voice ignores: the network itself determines all durations."""
    pauses, rates = (np.asarray(utterance.get(name, ()), np.float64) for name in ("pauses", "rates"))
    requested = int(np.isfinite(pauses).sum()), int((rates[:-1] != 1).sum())  # Text always sets the last rate itself
    for count, what in zip(requested, ("pauses of a given length", "phones at a given rate"), strict=True):
        if count:
            _LOG.warning("%d %s are ignored: this voice determines all durations itself", count, what)
