"""The head of a stream that is made step by step."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from voxstack import AddonError, Frames, Schedule, StreamableBlock, Utterance
from voxstack.addon import Addon
from voxstack.networks import Network, NetworkSpec
from voxstack.scheduler import current_ticket
from voxstack.specs import Autoregressive
from voxstack_autoregressive.chorus import Chorus
from voxstack_autoregressive.ensemble import Bounds, Ensemble
from voxstack_autoregressive.speaker import Speaker, mask_of
from voxstack_autoregressive.timing import Timing

_LOG = logging.getLogger("voxstack.autoregressive")

MOST_ERROR = 1e-5
"""How far a row in a batch may be from the row alone, of its scale; networks that were measured to be further speak alone."""


@dataclass
class AutoregressiveDecoder(StreamableBlock):
    """Makes frames step by step: a network hears what it said before, attends to the encoded text, and says the next few frames.

    The network's ``autoregressive`` in the addon says which outputs are frames, end and attention, and what is carried from step to
    step; that is all that is kept, so memory does not grow with what is said unless a state does. What it reads beside that comes
    from the utterance by name. It is the head of a stream: the request's schedule says how many frames are wanted at a time, and
    steps are made until there are as many. A stream ends with the step whose ``stop`` is above 0.

    Nothing that was learned keeps such a decoder from skipping, repeating or never ending. ``back`` and ``ahead`` restrict where it
    looks, where the network has a mask for what it attends to (back 0: monotonic), ``longest`` makes it leave a token at last, and it
    stops after ``steps_per_token`` steps for each token and ``spare_steps`` more, whatever it says. With attention it reports words and
    phonemes to the timeline when it has passed them: each lasts as long as it was attended. An utterance's ``attention_watch``, which
    ``AttentionAlarms`` of the diagnostics plugin gives, is called after each chunk with its attention, (steps, tokens), and frames a
    step; and last with how it ended.

    :param network: name of the network; the addon's only autoregressive one, unless given.
    :param context: where it runs, as named in the addon; the voice's own context, unless given.
    :param back: tokens before the one attended most in the step before that may be attended; any, unless given.
    :param ahead: tokens behind it, likewise.
    :param longest: steps for which it may attend one token most; then it has to look behind it, and behind the last token it has said all.
    :param steps_per_token: a stream has at most so many steps for each token (or whatever is attended),
    :param spare_steps: and so many more.
    :param group: where the context batches calls, the tokens are padded and masked to multiples of this, so that the steps of
        concurrent streams fit together. 0: never.
    """

    network: str | None = None
    context: str | None = None
    back: int | None = field(default=None, metadata={"minimum": 0})
    ahead: int | None = field(default=None, metadata={"minimum": 1})
    longest: int | None = field(default=None, metadata={"minimum": 1})
    steps_per_token: float = field(default=4.0, metadata={"exclusiveMinimum": 0})
    spare_steps: int = field(default=20, metadata={"minimum": 0})
    group: int = field(default=64, metadata={"minimum": 0})
    _opened: Network | None = field(default=None, init=False, repr=False, compare=False)
    _choruses: tuple[Chorus, ...] = field(default=(), init=False, repr=False, compare=False)

    head = True

    @property
    def needs(self) -> frozenset[str]:
        return self._opened.spec.needs if self._opened else frozenset()

    @property
    def makes(self) -> str | None:
        return self._steps.frames if self._opened else None

    def load(self, addon: Addon) -> None:
        spec = _only(addon) if self.network is None else addon.select(self.network, "decoder")
        if spec.autoregressive is None:
            raise AddonError(
                f"{addon.name}: networks.{spec.name}",
                "says nothing about 'autoregressive', so it is not known what it carries from step to step; a Decoder streams it if it has "
                "'streaming', and Encoders run it on whole utterances",
            )
        if self._bounds != Bounds() and mask_of(spec) is None:
            raise AddonError(
                f"{addon.name}: networks.{spec.name}",
                "tells no attention, or has no mask for what it attends to, so 'back', 'ahead' and 'longest' cannot hold; leave them out",
            )
        self._opened = addon.network(spec.name, self.context)
        most = self._opened.context.batch
        self._choruses = (
            (Chorus(self._together, most), Chorus(self._together, most)) if most > 1 and _is_batchable(spec) else ()
        )

    def stream(self, source: Frames, utterance: Utterance) -> Frames:
        schedule: Schedule = utterance.get("schedule", Schedule())
        watch = utterance.get("attention_watch")
        group = self.group if self._choruses else 0
        _warn(utterance)
        speaker = Speaker(self._network, utterance, group, self.steps_per_token, self.spare_steps)
        timing = Timing(utterance, speaker.tokens)
        a_step = int(self._network.spec.outputs[self._steps.frames].shape[1])
        speak = self._speaking(speaker)
        for size in schedule.sizes():
            speaker.wanted = -(-size // a_step)
            speak()
            made = speaker.give()
            if made.attention is not None:
                timing.add(made.attention * a_step, speaker.ended)
                if watch is not None:
                    watch(made.attention, a_step)
                    if speaker.ended:
                        watch(None, a_step, stopped=speaker.stopped)
            yield made.frames
            if speaker.ended:
                return

    def _together(self, speakers: Sequence[Speaker]) -> Ensemble:
        return Ensemble(self._network, speakers, self._bounds)

    @property
    def _bounds(self) -> Bounds:
        return Bounds(self.back, self.ahead, self.longest)

    def _speaking(self, speaker: Speaker) -> Callable[[], None]:
        """What makes the steps that a speaker wants, together with others where the context batches calls.

        Code that has no turn never waits for others that must first take one: whoever has it might be waiting for this very code.
        """
        if self._choruses:
            return lambda: self._choruses[current_ticket() is None](speaker)
        ensemble = self._together([speaker])

        def run() -> None:
            while not speaker.done:
                ensemble.run(speaker.wanted)

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


def _only(addon: Addon) -> NetworkSpec:
    """The only network that is autoregressive.

    :raises AddonError: saying which there are.
    """
    found = [spec for spec in addon.networks.values() if spec.autoregressive is not None]
    if len(found) != 1:
        names = ", ".join(spec.name for spec in found) or "none"
        raise AddonError(
            addon.name,
            f"AutoregressiveDecoder needs one network that is 'autoregressive', and there are: {names}; name one",
        )
    return found[0]


def _is_batchable(spec: NetworkSpec) -> bool:
    """Whether rows of a batch are each as they would be alone: all that differs between utterances has a batch axis."""
    tensors = [*spec.inputs.values(), *spec.outputs.values()]
    return all(tensor.batched for tensor in tensors) and (spec.batch_error or 0.0) <= MOST_ERROR


def _warn(utterance: Utterance) -> None:
    """Tell what was asked for and cannot be had: how long something lasts is the network's own choice."""
    pauses, rates = (np.asarray(utterance.get(name, ()), np.float64) for name in ("pauses", "rates"))
    asked = (
        int(np.isfinite(pauses).sum()),
        int((rates[:-1] != 1).sum()),
    )  # the rate of the last one is no wish but a habit of others
    for count, what in zip(asked, ("pauses of a given length", "phones at a given rate"), strict=True):
        if count:
            _LOG.warning("%d %s: this voice decides itself how long things last, so they are left to it", count, what)
