"""Batching changes nothing but the time it takes, on the networks of the installed voices."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import voxstack
from voxstack.addon import Addon
from voxstack.networks import NetworkSpec
from voxstack_batching import BatchingNetwork

STREAMS = 8
TEXTS = ["She bought three pounds of fresh apples at the market.", "Yes.", "Nothing is where it was.", "One, two, three, four."]


@pytest.fixture(scope="module")
def addon() -> Addon:
    return Addon.open("amber", voxstack.Registry.installed())


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(STREAMS) as pool:
        yield pool


def example(spec: NetworkSpec, seed: int, steps: int) -> dict[str, np.ndarray]:
    """A step of one stream: random frames, and random states of the length that they have in the middle of a stream."""
    random, made = np.random.default_rng(seed), {}
    for name, tensor in spec.inputs.items():
        sizes = [1 if axis == "batch" else axis for axis in tensor.shape]
        free = 6 if spec.streaming and name in spec.streaming.states else steps
        shape = [free if isinstance(size, str) else size for size in sizes]
        floats = np.ones(shape) if tensor.mask else random.standard_normal(shape)
        made[name] = floats.astype(tensor.dtype) if tensor.dtype.startswith("float") else np.zeros(shape, tensor.dtype)
    return made


@pytest.mark.parametrize("form", ["windowed", "stateful"])
@pytest.mark.parametrize("name", ["decoder", "vocoder"])
def test_a_stream_in_a_batch_gets_what_it_gets_alone(addon: Addon, pool: ThreadPoolExecutor, name: str, form: str) -> None:
    """To the bit, but for a vocoder with states, whose sums ONNX Runtime rounds otherwise in a batch."""
    spec = addon.networks[name]
    spec = spec if form == "windowed" else spec.stateful
    assert spec is not None
    run = addon.registry.open(spec, addon.context)
    net = BatchingNetwork(run, spec, STREAMS, lanes=1)
    start = threading.Barrier(STREAMS)

    def stream(seed: int) -> float:
        worst = 0.0
        start.wait(20)
        for number in range(40):
            given = example(spec, 1000 * seed + number, (1, 8, 16)[number % 3])
            made, alone = net(**given), run(**given)
            for key, array in alone.items():
                assert made[key].shape == array.shape
                worst = max(worst, float(np.abs(made[key] - array).max()) / max(1.0, float(np.abs(array).max())))
        return worst

    worst = max(pool.map(stream, range(STREAMS)))
    assert sum(size * count for size, count in net.stats["batches"].items() if size > 1) > STREAMS, "hardly anything was batched"
    print(name, form, worst, net.stats)
