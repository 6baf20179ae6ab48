"""The block ``Pedal``, an effect of pedalboard."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from voxstack import Frames, NetworkError, PluginError, Resources, StackError, StreamableBlock, Utterance
from voxstack_addon_spec.wording import did_you_mean

BLOCK = 256
"""Samples of each call: pedalboard forgets the state of some effects where a call is longer than all before it."""
Effect = Literal[
    "Bitcrush",
    "Chorus",
    "Clipping",
    "Compressor",
    "Delay",
    "Distortion",
    "LadderFilter",
    "NoiseGate",
    "Phaser",
    "Reverb",
]


@dataclass
class Pedal(StreamableBlock):
    """Runs an effect of pedalboard on samples, (samples,) float32, in blocks of 256.

    The output equals that of one call of pedalboard on the whole stream, bit for bit. It is as long as the source: the
    tail of a reverb or delay ends with it. Other effects of pedalboard are left out, as their streams are not exact, or
    as voxstack has them.

    :param effect: name of the class in pedalboard.
    :param settings: its parameters by name, numbers; those that are left out have pedalboard's defaults.
    :param sample_rate: sample rate, Hz; by default the addon's.
    """

    effect: Effect
    settings: dict[str, float] = field(default_factory=dict)
    sample_rate: int | None = field(default=None, metadata={"minimum": 1, "maximum": 384_000})
    _rate: int | None = field(default=None, init=False, repr=False, compare=False)

    takes = "samples"
    makes = "samples"

    @property
    def lookahead(self) -> int:
        return BLOCK - 1

    def load(self, addon: Resources) -> None:
        self._rate = self.sample_rate or addon.config["sample_rate"]
        self._made()  # settings that do not fit are errors now instead of in the first request

    def stream(self, source: Frames, utterance: Utterance) -> Frames:
        rate = self._rate or self.sample_rate
        if rate is None:
            raise PluginError("Pedal has no sample rate: set its field sample_rate, or call load(addon) before it runs")
        effect = self._made()
        for samples, size in _blocks(source):
            processed: np.ndarray = effect.process(samples, rate, reset=False)
            yield processed[: len(processed) - len(samples) + size]

    def _made(self) -> Any:
        """Return the effect, with a state of its own.

        :raises StackError: for settings that it does not have or accept.
        """
        import pedalboard

        kind = getattr(pedalboard, self.effect)
        known = sorted(name for name, value in vars(kind).items() if isinstance(value, property) and name != "mode")
        for name, value in self.settings.items():
            if name not in known:
                problem = f"{self.effect} has no setting {name!r}{did_you_mean(name, known)}"
                raise StackError("settings", f"{problem}\n  its settings: {', '.join(known)}")
            if not math.isfinite(value):
                raise StackError(f"settings.{name}", f"{value} is not finite; write a number")
        try:
            return kind(**self.settings)
        except (TypeError, ValueError, RuntimeError) as error:
            raise StackError("settings", f"{self.effect}: {error}") from error


def _blocks(source: Frames) -> Iterator[tuple[np.ndarray, int]]:
    """Yield a stream in blocks, each with the number of its samples that are in the stream; silence fills the last.

    :raises NetworkError: for a chunk that is something else than samples.
    """
    held = np.zeros(0, np.float32)
    for chunk in source:
        if not isinstance(chunk, np.ndarray) or chunk.ndim != 1 or chunk.dtype.kind != "f":
            form = f"{chunk.dtype} {chunk.shape}" if isinstance(chunk, np.ndarray) else type(chunk).__name__
            raise NetworkError(f"Pedal: takes samples, (samples,), float32; the block before gave {form}")
        held = np.concatenate([held, chunk], dtype=np.float32, casting="same_kind")
        ready = len(held) // BLOCK * BLOCK
        for start in range(0, ready, BLOCK):
            yield held[start : start + BLOCK], BLOCK
        held = held[ready:]
    if len(held):
        yield np.concatenate([held, np.zeros(BLOCK - len(held), np.float32)]), len(held)
