"""A voice that waits as long as another would compute: the real scheduler without the noise of a busy machine."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

import voxstack
from fleets.costs import Replica, VoiceCosts
from voxstack import Registry, Schedule, Scheduler, StreamableBlock, Utterance

FRAMES, HOP = 80, 200
"""Frames a second, and samples a frame."""

COSTS = VoiceCosts(sentence=0.02, chunk=0.004, second=0.02, first=24 / FRAMES, largest=512 / FRAMES)
AUDIO = 8.0
REPLICA = Replica(workers=2, spare=1, slowdown=(1.0, 1.0, 2 / 3), seen_share=1.0)
"""Threads that wait do not slow each other down; that some wake up late is no share that others take."""


@dataclass
class Wait(StreamableBlock):
    """Produces silence, in the time in which a voice with :data:`COSTS` would compute."""

    needs = frozenset({"text"})
    head = True
    makes = "samples"

    def stream(self, source: Any, utterance: Utterance) -> Iterator[np.ndarray]:
        schedule: Schedule = utterance["schedule"]
        left, work = round(AUDIO * FRAMES), COSTS.sentence
        for size in schedule.before(0, HOP).sizes():
            size = size if left - size > size // 2 else left
            time.sleep(work + COSTS.chunk + COSTS.second * size / FRAMES)
            left, work = left - size, 0.0
            yield np.zeros(size * HOP, np.float32)
            if not left:
                return


def voice(folder: Path, scheduler: Scheduler) -> voxstack.Voice:
    """Return a voice that waits.

    :param folder: where its addon is written.
    """
    found: dict[str, Any] = {"spec_version": 1, "name": "waiting", "version": "1", "license": "Apache-2.0"}
    found |= {"languages": ["en-US"], "sample_rate": FRAMES * HOP, "hop_length": HOP, "controls": {}, "networks": {}}
    found |= {"files": {}, "contexts": {"default": {"runtime": "onnx"}}, "stack": [{"type": "Wait"}]}
    (folder / "addon.json").write_text(json.dumps(found), "utf-8")
    plugin = SimpleNamespace(voxstack_blocks=voxstack.hookimpl(_blocks))
    return voxstack.load(folder, registry=Registry({"waiting": plugin}), scheduler=scheduler)


def _blocks() -> list[type]:
    return [Wait]


_blocks.__name__ = "voxstack_blocks"
