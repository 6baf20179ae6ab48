"""A plugin for tests: a block with two networks, and a runtime whose devices behave as their names say."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import voxstack
from voxstack.networks import Network

DELAY = 0.004
FACTORS = {"wave": (2, 3), "tone": (0.25, 0)}


@dataclass
class Toy(voxstack.StreamableBlock):
    """Synthesizes ten samples for each letter, one chunk per word."""

    _wave: Network | None = field(default=None, init=False, repr=False, compare=False)
    _tone: Network | None = field(default=None, init=False, repr=False, compare=False)

    needs = frozenset({"text"})
    head = True
    makes = "samples"

    def load(self, addon: Any) -> None:
        self._wave, self._tone = addon.network("wave"), addon.network("tone")

    def stream(self, source: Any, utterance: Any) -> Iterator[np.ndarray]:
        for word in utterance["text"].split():
            frames = np.array([[ord(letter) / 256, 1] for letter in word], np.float32)
            yield self._tone.run_single(frames=self._wave.run_single(frames=frames)["mel"])["mel"][:, 0].repeat(
                10
            ) * utterance.get("volume", 1)


@voxstack.hookimpl
def voxstack_blocks() -> list[type]:
    return [Toy]


@voxstack.hookimpl
def voxstack_devices() -> list[str]:
    return ["toy:a", "toy:b"]


@voxstack.hookimpl
def voxstack_open_network(spec: Any, context: Any) -> Any:
    """Open a network on a device of this runtime.

    ``a`` is slow at the tone, ``b`` at the wave; ``off``, ``nan`` and ``double`` return wrong outputs; ``crash``,
    ``hang`` and ``raise`` do so when they are called; ``noisy`` prints; ``gone`` is unavailable, and ``half`` has no
    tone.
    """
    if context.runtime != "toy":
        return None
    device = context.device
    if device == "gone" or (device == "half" and spec.name == "tone"):
        raise voxstack.ContextError(f"network {spec.name!r}: there is no device {device!r}")
    factors = np.array(FACTORS[spec.name], np.float32)
    slow = DELAY if {"a": "tone", "b": "wave"}.get(device) == spec.name else 0

    def run(frames: np.ndarray) -> dict[str, np.ndarray]:
        time.sleep(3600 if device == "hang" else slow)
        if device == "crash":
            os.write(2, b"the card is on fire\n")
            os._exit(7)
        if device == "raise":
            raise ZeroDivisionError("a bug")
        if device == "noisy":
            os.write(1, b"hello from a library\n")
            print("and from Python")
        outputs = frames * factors
        return {
            "mel": {
                "off": outputs * np.float32(1.01),
                "nan": outputs * np.float32("nan"),
                "double": outputs.astype("f8"),
            }.get(device, outputs)
        }

    run.stats = {"waste": 0.25, "sizes": {"frames=4": np.int64(3)}}
    return run
