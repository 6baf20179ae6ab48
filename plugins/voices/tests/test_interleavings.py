"""Voices and the pool of networks under forced interleavings: every stream is what it is alone, and nothing is left."""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from interleaving import SEEDS, SleepyLock, run_together
from tiny import double, plugin

from voxstack import CapacityError, Registry, Scheduler, StreamableBlock, Voices
from voxstack.networks import opening
from voxstack.networks.opening import NetworkPool
from voxstack_voices import pool


@dataclass
class Letters(StreamableBlock):
    """Yields a sample for each letter, doubled by a network."""

    _network: Any = field(default=None, init=False, repr=False, compare=False)
    needs = frozenset({"text"})
    head = True
    makes = "samples"

    def load(self, addon: Any) -> None:
        self._network = addon.network("decoder")

    def stream(self, source: Any, utterance: Any) -> Any:
        for letter in utterance["text"]:
            frames = np.full((1, 1, 2), ord(letter), np.float32)
            yield self._network(frames=frames)["mel"][0, :, 0]


def test_streams_are_what_they_are_alone_while_voices_come_and_go(
    write_addon: Callable[..., Path], doubling: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [write_addon(f"v{n}", stack=[{"type": "Letters"}], networks={"decoder": doubling}) for n in range(3)]
    for seed in SEEDS:
        random = Random(seed)
        with monkeypatch.context() as patch:
            for owner in (pool, opening):
                patch.setattr(owner, "threading", SimpleNamespace(Lock=lambda r=random: SleepyLock(r, 0.001)))
            registry = Registry({"test": plugin([Letters], {"decoder": double})})
            options = {"registry": registry, "scheduler": Scheduler(2, load=None, patience=None)}
            voices = Voices(budget=random.choice([None, 16, 8]), **options)

            def user(number: int, voices: Voices = voices, seed: int = seed) -> list[float]:
                own, said = Random(f"{seed}/{number}"), []
                for _ in range(4):
                    path, kind = own.choice(paths), own.randint(0, 4)
                    if kind == 0:
                        voices.unload(path)
                        voices.status()
                        continue
                    try:
                        stream = voices.stream(path, "abc")
                        chunks = [next(stream)] if kind == 1 else list(stream)
                    except CapacityError:  # the others use all of the budget
                        continue
                    said += [float(chunk.samples[0]) / (2 * ord("abc"[i])) for i, chunk in enumerate(chunks)]
                return said

            results = run_together([lambda n=n: user(n) for n in range(5)])
        assert all(isinstance(said, list) and set(said) <= {1.0} for said in results), f"seed {seed}: {results}"
        gc.collect()
        assert all(row.users == 0 for row in voices.status()), f"seed {seed}"
        voices.close()
        assert not registry.shared(NetworkPool)._networks, f"seed {seed}: networks are still open"
        assert options["scheduler"].streams == 0
