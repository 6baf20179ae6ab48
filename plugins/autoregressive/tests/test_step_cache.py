"""States to which every step appends: read in place, batched at any length, and whole after a failure."""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np
import pytest
from tiny import addon, loaded, network, tensor

from voxstack import NetworkError, Schedule
from voxstack.streaming.timeline import Timeline
from voxstack.testing import Case, parametrize_with_checks
from voxstack_autoregressive.decoder import AutoregressiveDecoder
from voxstack_autoregressive.step_cache import ROOM

FEATURES, HEADS = 3, 2


def step(keys: np.ndarray, held: np.ndarray, target: np.ndarray) -> dict[str, np.ndarray]:
    """Attend to a cache, (batch, heads, features, past), and append what was attended, turned and shifted."""
    assert not keys[np.broadcast_to(held[:, None, None] == 0, keys.shape)].any(), "what is padded is zero"
    scores = np.where(held > 0, np.cos(keys.sum((1, 2)) + target), -np.inf)
    weights = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    attended = (keys * weights[:, None, None]).sum(-1)
    new = np.roll(attended, 1, -1) * 0.9 + 0.1 * np.sin(held.sum(1) + target[:, 0])[:, None, None]
    ends = np.where(held.sum(1, keepdims=True) >= target * 10, 1.0, -1.0)
    outputs = {"frames": new[:, :1], "stop": ends, "keys_new": new[..., None]}
    return {name: value.astype(np.float32) for name, value in outputs.items()}


def config(mask: bool = True) -> dict[str, Any]:
    inputs = {"keys": tensor("batch", HEADS, FEATURES, "past"), "target": tensor("batch", 1)}
    inputs |= {"held": tensor("batch", "past", mask=True)} if mask else {}
    outputs = {"frames": tensor("batch", 1, FEATURES), "stop": tensor("batch", 1)}
    outputs |= {"keys_new": tensor("batch", HEADS, FEATURES, 1)}
    states = {"keys": {"next": "keys_new", "provided": True, "append": True}}
    return network("decoder", inputs, outputs, autoregressive={"frames": "frames", "stop": "stop", "states": states})


def decoder(run: Any = step, batch: int = 1, mask: bool = True) -> AutoregressiveDecoder:
    contexts = {"default": {"runtime": "python", "batch": batch}}
    holder = addon([], {"decoder": run}, networks={"decoder": config(mask)}, contexts=contexts)
    return loaded(AutoregressiveDecoder(steps_per_token=50, spare_steps=40), holder)


def utterance(prompt: int, target: float = 20.0, **more: Any) -> dict[str, Any]:
    keys = np.random.default_rng(prompt).standard_normal((HEADS, FEATURES, prompt)).astype(np.float32)
    return {"keys": keys, "target": np.array([target], np.float32), "tokens": np.zeros(5), **more}


def decode(block: AutoregressiveDecoder, inputs: dict[str, Any], size: int = 7) -> np.ndarray:
    schedule = Schedule(first=size, growth=1.0001, largest=size)
    return np.concatenate(list(block.stream(iter(()), {"schedule": schedule, **inputs})))


def by_hand(inputs: dict[str, Any]) -> np.ndarray:
    """Return the frames of steps that copy the whole cache each time."""
    keys, frames = inputs["keys"][None], []
    while True:
        outputs = step(keys, np.ones((1, keys.shape[-1]), np.float32), inputs["target"][None])
        keys = np.concatenate([keys, outputs["keys_new"]], -1)
        frames.append(outputs["frames"][0])
        if outputs["stop"][0, 0] > 0:
            return np.concatenate(frames)


@parametrize_with_checks([Case(decoder(), utterance(9)), Case(decoder(batch=4), utterance(9), tolerance=1e-6)])
def test_contract(case: Case, check: Any):
    check(case)


@pytest.mark.parametrize("prompt", [1, 9, ROOM - 1, ROOM, ROOM + 1, 130])
def test_a_cache_grows_beyond_its_room(prompt: int):
    inputs = utterance(prompt)
    frames = decode(decoder(), inputs)
    assert len(frames) == 201 - prompt
    np.testing.assert_allclose(frames, by_hand(inputs), atol=1e-6)


def test_the_prompt_itself_is_left_as_it_is():
    inputs = utterance(9)
    before = inputs["keys"].copy()
    inputs["keys"].flags.writeable = False
    decode(decoder(), inputs)
    np.testing.assert_array_equal(inputs["keys"], before)


def test_without_a_mask_there_is_no_padding():
    sizes: list[int] = []

    def unmasked(keys: np.ndarray, target: np.ndarray) -> dict[str, np.ndarray]:
        sizes.append(keys.shape[-1])
        return step(keys, np.ones((len(keys), keys.shape[-1]), np.float32), target)

    inputs = utterance(5, 10.0)
    np.testing.assert_allclose(decode(decoder(unmasked, mask=False), inputs), by_hand(inputs), atol=1e-6)
    assert sizes == list(range(5, 101))


def together(block: AutoregressiveDecoder, requests: list[dict[str, Any]]) -> list[Any]:
    """Return the frames of concurrent streams, or the error of each."""
    results: list[Any] = [None] * len(requests)

    def run(number: int) -> None:
        try:
            results[number] = decode(block, requests[number], 5 + number)
        except NetworkError as error:
            results[number] = error

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(requests))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_caches_of_any_length_step_together():
    rows: list[tuple[int, int]] = []

    def slow(**inputs: np.ndarray) -> dict[str, np.ndarray]:
        rows.append((len(inputs["keys"]), len(set(inputs["held"].sum(1)))))
        time.sleep(0.0005)
        return step(**inputs)

    requests = [utterance(prompt, 12.0 + prompt / 50) for prompt in (1, 3, 20, 63, 64, 90)]
    for frames, inputs in zip(together(decoder(slow, batch=4), requests), requests, strict=True):
        np.testing.assert_allclose(frames, by_hand(inputs), atol=1e-6)
    assert max(rows)[0] == 4
    assert any(lengths > 1 for _, lengths in rows), "caches of several lengths were in one batch"


def test_a_step_that_fails_leaves_the_others_as_they_were():
    def touchy(**inputs: np.ndarray) -> dict[str, np.ndarray]:
        time.sleep(0.0005)
        if (inputs["target"] == 13.0).any() and inputs["held"][inputs["target"][:, 0] == 13.0].sum() > 40:
            raise ValueError("no more than forty")
        return step(**inputs)

    requests = [utterance(prompt, target) for prompt, target in ((3, 12.0), (9, 13.0), (30, 14.0), (70, 15.0))]
    first, failed, *others = together(decoder(touchy, batch=4), requests)
    assert "no more than forty" in str(failed)
    for frames, inputs in zip([first, *others], [requests[0], *requests[2:]], strict=True):
        np.testing.assert_allclose(frames, by_hand(inputs), atol=1e-6)


def test_without_attention_the_sentence_is_an_event():
    class Unit:
        kind, text, start, end = "sentence", "All of it.", 0, 10

    timeline = Timeline(10.0)
    frames = decode(decoder(), utterance(9, 5.0, timeline=timeline, unit=Unit, text_start=4))
    assert [(e.kind, e.text, e.start, e.duration) for e in timeline.take(1e9)] == [
        ("sentence", "All of it.", 0.0, pytest.approx(len(frames) / 10))
    ]
