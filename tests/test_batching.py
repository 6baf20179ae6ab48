"""Batching changes only the time that calls take, on the networks of the installed voices."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import voxstack
from voxstack import Schedule, Scheduler
from voxstack.networks import Context, NetworkSpec
from voxstack.networks.addon import Addon
from voxstack.networks.opening import NetworkPool
from voxstack_batching import BatchingNetwork

STREAMS = 8
TEXTS = [
    "She bought three pounds of fresh apples at the market.",
    "Yes.",
    "Nothing is where it was.",
    "One, two, three, four.",
]


@pytest.fixture(scope="module")
def addon() -> Addon:
    return Addon.open("amber", voxstack.Registry.installed())


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(STREAMS) as pool:
        yield pool


def example(spec: NetworkSpec, seed: int, steps: int) -> dict[str, np.ndarray]:
    """Return the inputs of a step in the middle of a stream: random frames, and random states of the length there."""
    random, inputs = np.random.default_rng(seed), {}
    for name, tensor in spec.inputs.items():
        sizes = [1 if axis == "batch" else axis for axis in tensor.shape]
        free = 6 if spec.streaming and name in spec.streaming.states else steps
        shape = [free if isinstance(size, str) else size for size in sizes]
        floats = np.ones(shape) if tensor.mask else random.standard_normal(shape)
        inputs[name] = (
            floats.astype(tensor.dtype) if tensor.dtype.startswith("float") else np.zeros(shape, tensor.dtype)
        )
    return inputs


@pytest.mark.parametrize("form", ["windowed", "stateful"])
@pytest.mark.parametrize("name", ["decoder", "vocoder"])
def test_a_stream_in_a_batch_gets_what_it_gets_alone(
    addon: Addon, pool: ThreadPoolExecutor, name: str, form: str
) -> None:
    """Results are equal to the bit, except for steps of one frame.

    ONNX Runtime computes the last value with other instructions than those before it, so it is rounded differently
    where it is not the last.
    """
    spec = addon.networks[name] if form == "windowed" else addon.networks[name].stateful
    assert spec is not None
    run = addon.registry.shared(NetworkPool).open(spec, addon.context)
    net = BatchingNetwork(run, spec, STREAMS, lanes=1)
    start = threading.Barrier(STREAMS)

    def stream(seed: int) -> None:
        start.wait(20)
        for number in range(40):
            steps = (1, 8, 16)[number % 3]
            inputs = example(spec, 1000 * seed + number, steps)
            batched, alone = net(**inputs), run(**inputs)
            for key in spec.outputs:
                np.testing.assert_allclose(batched[key], alone[key], rtol=3e-7 if steps == 1 else 0, atol=0)

    list(pool.map(stream, range(STREAMS)))
    assert max(net.stats["batches"]) > 1, "nothing was batched"


def test_streams_of_a_voice_that_batches_say_what_they_say_alone() -> None:
    """Many streams in small steps; of three workers two may wait for others in the first call of a network."""
    nets: list[BatchingNetwork] = []

    @voxstack.hookimpl
    def voxstack_wrap_network(network: Any, spec: NetworkSpec, context: Context) -> Any:
        if context.batch == 1 or spec.streaming is None:
            return None

        first = iter([True])

        def run(**tensors: np.ndarray) -> Any:
            """Hold the first call that others could join until five wait (two have one shape), or a batch has run."""
            if net._in_turn._running and next(first, False):
                deadline = time.monotonic() + 20
                while len(net._in_turn._waiting) < 5 and max(net.stats["batches"]) == 1 and time.monotonic() < deadline:
                    time.sleep(0.001)
            return network(**tensors)

        net = BatchingNetwork(run, spec, context.batch, lanes=1)
        nets.append(net)
        return net

    registry = voxstack.Registry.installed().with_plugins(
        {"batching": SimpleNamespace(voxstack_wrap_network=voxstack_wrap_network)}
    )
    small, scheduler = Schedule(first=8, growth=1.0), Scheduler(workers=3, load=None, patience=None)
    options = {"registry": registry, "schedule": small, "scheduler": scheduler}
    single = voxstack.load("amber", **options)
    alone = {text: [chunk.samples for chunk in single.stream(text)] for text in TEXTS}
    assert not nets, "a context batches only where it says so"
    batching = voxstack.load("amber", context={"batch": 6}, **options)

    def speak(text: str) -> np.ndarray:
        return np.concatenate([chunk.samples for chunk in batching.stream(text)])

    with ThreadPoolExecutor(12) as pool:
        for text, samples in zip(TEXTS * 3, pool.map(speak, TEXTS * 3), strict=True):
            np.testing.assert_allclose(samples, np.concatenate(alone[text]), rtol=0, atol=1e-6)
    assert len(nets) == 2
    for net in nets:
        assert max(net.stats["batches"]) > 1, f"nothing was batched: {net.stats}"
        assert net.stats["failed"] == 0
        assert not net._in_turn._waiting
        assert not net._in_turn._running
    assert scheduler.queue.idle == 3
    assert scheduler.streams == 0


def test_a_context_of_an_installed_voice_batches_by_one_word(addon: Addon) -> None:
    assert isinstance(addon.network("vocoder", {"runtime": "onnx", "batch": 4})._run, BatchingNetwork)
    assert not isinstance(addon.network("vocoder", {"runtime": "onnx"})._run, BatchingNetwork)
