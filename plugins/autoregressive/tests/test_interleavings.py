"""Concurrent streams under forced interleavings: each equals the stream alone, bit for bit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from interleaving import SEEDS, in_turns, make_sleepy, run_together
from tiny import addon, loaded, network, tensor

import voxstack
from voxstack import Schedule
from voxstack.streaming import combiner
from voxstack_autoregressive.decoder import AutoregressiveDecoder

STREAMS, FRAMES_PER_STEP, FEATURES = 12, 2, 3


def step(keys: np.ndarray, mask: np.ndarray, previous: np.ndarray, clock: np.ndarray) -> dict[str, np.ndarray]:
    """Mix the key of the step's token into the previous frames; stop after the last token."""
    rows, last = np.arange(len(keys)), mask.sum(1).astype(int) - 1
    token = np.minimum(clock[:, 0], last)
    frames = 0.5 * previous + keys[rows, token][:, None, :] * np.arange(1, FRAMES_PER_STEP + 1)[:, None]
    attention = (np.arange(keys.shape[1]) == token[:, None]).astype(np.float32)
    stop = np.where(clock >= last[:, None], 1.0, -1.0)
    outputs = {"frames": frames, "stop": stop, "attention": attention, "previous_next": frames}
    return {name: value.astype(np.float32) for name, value in outputs.items()} | {"clock_next": clock + 1}


def config() -> dict[str, Any]:
    inputs = {
        "keys": tensor("batch", "tokens", FEATURES),
        "mask": tensor("batch", "tokens", mask=True),
        "previous": tensor("batch", FRAMES_PER_STEP, FEATURES),
        "clock": tensor("batch", 1, dtype="int64"),
    }
    outputs = {
        "frames": tensor("batch", FRAMES_PER_STEP, FEATURES),
        "stop": tensor("batch", 1),
        "attention": tensor("batch", "tokens"),
        "previous_next": tensor("batch", FRAMES_PER_STEP, FEATURES),
        "clock_next": tensor("batch", 1, dtype="int64"),
    }
    states = {"previous": {"next": "previous_next"}, "clock": {"next": "clock_next"}}
    steps = {"frames": "frames", "stop": "stop", "attention": "attention", "states": states}
    return network("decoder", inputs, outputs, autoregressive=steps)


def decoder(batch: int) -> AutoregressiveDecoder:
    contexts = {"default": {"runtime": "python", "batch": batch}}
    holder = addon([], {"decoder": step}, networks={"decoder": config()}, contexts=contexts)
    block: AutoregressiveDecoder = loaded(AutoregressiveDecoder(group=32), holder)
    return block


def utterances(random: np.random.Generator) -> list[dict[str, Any]]:
    lengths = random.integers(3, 14, STREAMS)
    return [{"keys": random.standard_normal((length, FEATURES)).astype(np.float32)} for length in lengths]


def chunks(block: AutoregressiveDecoder, utterance: dict[str, Any], size: int) -> Iterator[np.ndarray]:
    schedule = Schedule(first=size, growth=1.0001, largest=size)
    return block.stream(iter(()), {**utterance, "schedule": schedule})


@pytest.mark.parametrize("turns", [True, False], ids=["with turns", "without turns"])
def test_every_stream_equals_itself_alone(turns: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong: list[str] = []
    for seed in SEEDS:
        random = np.random.default_rng(seed)
        texts, sizes = utterances(random), random.integers(2, 7, STREAMS)
        alone = [np.concatenate(list(chunks(decoder(1), text, 4))) for text in texts]
        scheduler = voxstack.Scheduler(2, load=None, patience=None)
        with monkeypatch.context() as patch:
            make_sleepy(patch, seed, combiner)
            block = decoder(int(random.integers(2, 8)))
            streams = [chunks(block, text, size) for text, size in zip(texts, sizes, strict=True)]

            def joined(stream: Iterator[np.ndarray], scheduler: Any = scheduler if turns else None) -> np.ndarray:
                return np.concatenate(list(in_turns(stream, scheduler) if scheduler else stream))

            results = run_together([lambda stream=stream: joined(stream) for stream in streams])
        for number, (result, expected) in enumerate(zip(results, alone, strict=True)):
            if not (isinstance(result, np.ndarray) and np.array_equal(result, expected)):
                wrong.append(f"seed {seed}, stream {number}: {result if isinstance(result, Exception) else 'differs'}")
        assert scheduler.queue.idle == 2
    assert not wrong
