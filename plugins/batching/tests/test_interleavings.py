"""Batched calls under forced interleavings: each result equals the call alone, bit for bit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from interleaving import SEEDS, make_sleepy, run_together
from tiny import network, tensor

from voxstack import Scheduler
from voxstack.networks import NetworkSpec
from voxstack.streaming import combiner
from voxstack_batching import BatchingNetwork

THREADS, CALLS = 8, 5
CONFIG = network("step", {"frames": tensor("batch", "frames", 2)}, {"mel": tensor("batch", "frames", 2)})


def square(frames: np.ndarray) -> Mapping[str, np.ndarray]:
    """Square every value; refuse a batch with the value 99."""
    if (frames == 99).any():
        raise ValueError("no 99, please")
    return {"mel": frames**2}


@pytest.mark.parametrize("turns", [True, False], ids=["with turns", "without turns"])
@pytest.mark.parametrize("lanes", [1, 2])
def test_every_call_gets_its_own_result(lanes: int, turns: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = NetworkSpec.of("step", CONFIG, "digest", lambda name: None, trusted=False)
    sizes: dict[int, int] = {}
    for seed in SEEDS:
        random = np.random.default_rng(seed)
        inputs = random.standard_normal((THREADS, CALLS, 1, 3, 2)).astype(np.float32)
        inputs[random.integers(THREADS), random.integers(CALLS)] = 99
        with monkeypatch.context() as patch:
            make_sleepy(patch, seed, combiner, longest=0.001)
            batching = BatchingNetwork(square, spec, int(random.integers(2, 7)), lanes)
            scheduler = Scheduler(lanes + 1, load=None, patience=None)

            def call(rows: np.ndarray, batching: Any = batching, scheduler: Scheduler = scheduler) -> list[Any]:
                ticket, results = scheduler.admit("voice", lambda: 0.0), []
                for frames in rows:
                    try:
                        if turns:
                            with ticket.turn():
                                results.append(batching(frames=frames)["mel"])
                        else:
                            results.append(batching(frames=frames)["mel"])
                    except ValueError as error:
                        results.append(str(error))
                ticket.leave()
                return results

            threads = run_together([lambda rows=rows: call(rows) for rows in inputs])
        for rows, results in zip(inputs, threads, strict=True):
            assert isinstance(results, list), f"seed {seed}: {results!r}"
            for frames, result in zip(rows, results, strict=True):
                if (frames == 99).any():
                    assert result == "no 99, please", f"seed {seed}"
                else:
                    np.testing.assert_array_equal(result, frames**2, f"seed {seed}")
        for size, count in batching.stats["batches"].items():
            sizes[size] = sizes.get(size, 0) + count
    assert max(sizes) > 1
