"""The alignment of steps with tokens by an attention that wanders, as that of a language model."""

from __future__ import annotations

import threading
import time
import tracemalloc
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tiny import addon, loaded, network, tensor

from voxstack import AddonError, NetworkError, Schedule
from voxstack.streaming.timeline import Timeline
from voxstack_autoregressive.decoder import AutoregressiveDecoder
from voxstack_autoregressive.monotonic_alignment import MonotonicAlignment

LAG = 12


def attention_of(durations: np.ndarray, seed: int, sinks: int = 2, follows: float = 0.3) -> np.ndarray:
    """Return (steps, tokens) of heads that follow the tokens and of heads that look elsewhere, with noise.

    Some tokens are looked at throughout, the last ones more than others, and one step in twenty looks anywhere.

    :param follows: weight of the heads that follow.
    """
    random, tokens = np.random.default_rng(seed), np.arange(len(durations))
    elsewhere = 0.3 / len(tokens) + 0.05 * np.exp((tokens - len(tokens)) / 6)
    elsewhere[random.integers(0, len(tokens), sinks)] += 0.25
    path = np.repeat(tokens, durations)
    path = np.where(random.random(len(path)) < 0.05, random.integers(0, len(tokens), len(path)), path)
    peaks = np.exp(-(((tokens - path[:, None]) / 0.8) ** 2))
    weights = (elsewhere + follows * peaks) * random.gamma(4.0, 0.25, peaks.shape)
    normalized: np.ndarray = (weights / weights.sum(1, keepdims=True)).astype(np.float32)
    return normalized


def durations_of(tokens: int, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    durations = 2 + random.poisson(1.5, tokens)
    durations[random.integers(0, tokens)] += 9  # a pause
    return durations


def align(attention: np.ndarray, lag: int = LAG, size: int = 1) -> np.ndarray:
    """Return the steps of each token, found in chunks of ``size`` steps."""
    alignment = MonotonicAlignment(attention.shape[1], lag)
    for start in range(0, len(attention), size):
        alignment.add(attention[start : start + size], start + size >= len(attention))
    assert alignment.passed == attention.shape[1]
    return alignment.steps


def boundary_errors(tokens: int, **more: Any) -> np.ndarray:
    """Return how far the ends of tokens are from where they are, in steps."""
    errors = []
    for seed in range(12):
        durations = durations_of(tokens, seed)
        found = np.cumsum(align(attention_of(durations, seed, **more)))
        errors.append(np.abs(found - np.cumsum(durations))[:-1])
    return np.concatenate(errors)


@pytest.mark.parametrize("tokens, more", [(30, {}), (80, {}), (30, {"sinks": 5}), (60, {"follows": 0.15})])
def test_it_finds_where_tokens_end(tokens: int, more: dict[str, Any]):
    errors = boundary_errors(tokens, **more)
    assert np.median(errors) <= 1
    assert np.quantile(errors, 0.95) <= 3


def test_a_clear_attention_is_followed_step_by_step():
    durations = np.array([3, 1, 4, 2, 12, 2, 3])
    attention = 0.02 / 6 + (0.98 - 0.02 / 6) * np.eye(7)[np.repeat(np.arange(7), durations)]
    np.testing.assert_array_equal(align(attention), durations)


def test_tokens_that_are_passed_in_one_step_share_it():
    attention = 0.01 / 5 + 0.99 * np.eye(5)[[0, 0, 0, 2, 2, 2, 4, 4, 4]]
    np.testing.assert_allclose(align(attention), [3, 0.5, 2.5, 0.5, 2.5])


@pytest.mark.parametrize("size", [2, 7, 10_000])
def test_chunks_decide_nothing(size: int):
    for seed in range(4):
        attention = attention_of(durations_of(40, seed), seed)
        np.testing.assert_array_equal(align(attention, size=size), align(attention))


def meaningless(kind: str, steps: int, tokens: int) -> np.ndarray:
    random = np.random.default_rng(steps)
    if kind == "flat":
        return np.full((steps, tokens), 1 / tokens, np.float32)
    if kind == "none":
        return np.zeros((steps, tokens), np.float32)
    if kind == "first":
        return np.tile(np.eye(tokens, dtype=np.float32)[0], (steps, 1))
    if kind == "backward":
        return np.eye(tokens, dtype=np.float32)[np.linspace(tokens - 1, 0, steps).astype(int)]
    return random.dirichlet(np.full(tokens, 0.3), steps).astype(np.float32)


@pytest.mark.parametrize("kind", ["flat", "none", "first", "backward", "random"])
@pytest.mark.parametrize("steps, tokens", [(1, 1), (1, 9), (5, 1), (7, 30), (60, 20), (300, 8)])
def test_every_token_has_its_time_whatever_the_attention(kind: str, steps: int, tokens: int):
    found = align(meaningless(kind, steps, tokens))
    assert (found > 0).all()
    assert found.sum() == pytest.approx(steps)


@pytest.mark.parametrize("kind", ["flat", "noisy"])
def test_rounding_decides_no_tie(kind: str):
    for seed in range(4):
        attention = meaningless("flat", 90, 25) if kind == "flat" else attention_of(durations_of(30, seed), seed)
        noise = 1 + 2e-7 * np.random.default_rng(seed).standard_normal(attention.shape)
        np.testing.assert_array_equal(align((attention * noise).astype(np.float32)), align(attention))


@pytest.mark.parametrize("lag", [1, 5, 12])
@pytest.mark.parametrize("kind", ["flat", "random", "noisy"])
def test_a_step_is_final_after_the_lag(lag: int, kind: str):
    attention = attention_of(durations_of(20, 1), 1) if kind == "noisy" else meaningless(kind, 90, 20)
    alignment, before, ends = MonotonicAlignment(20, lag), np.zeros(20), 0
    for number, row in enumerate(attention, 1):
        alignment.add(row[None], False)
        assert number - lag - 1e-6 <= alignment.steps.sum() <= number
        assert (alignment.steps >= before).all()
        np.testing.assert_array_equal(alignment.steps[:ends], before[:ends])
        before, ends = alignment.steps.copy(), alignment.passed


def test_memory_does_not_grow_with_the_steps():
    def held(steps: int) -> int:
        attention = attention_of(np.full(50, steps // 50), 0)
        tracemalloc.start()
        try:
            alignment = MonotonicAlignment(50, LAG)
            alignment.add(attention[:-1], False)
            return tracemalloc.get_traced_memory()[0]
        finally:
            tracemalloc.stop()

    held(100)  # allocations that happen once
    assert held(5000) < held(100) + 5000 * 4  # the conversion of the chunk itself has gone


STAY = 3


def step(
    keys: np.ndarray, held: np.ndarray, first: np.ndarray, number: np.ndarray, noise: np.ndarray
) -> dict[str, np.ndarray]:
    """Attend for three steps to each token in the cache, from ``first`` on, and elsewhere as noise has it."""
    places = np.arange(keys.shape[-1])
    peaks = 0.4 * np.exp(-((places - first - number // STAY) ** 2.0)) + 0.3 * np.exp(-(places**2.0))
    weights = (peaks + 0.05 * np.abs(noise)) * held
    outputs = {"frames": noise[:, None], "stop": np.where(keys[:, 0, -1:] > 1e9, 1.0, -1.0)}
    outputs |= {"attention": weights / weights.sum(1, keepdims=True), "keys_new": noise[..., None]}
    return {name: value.astype(np.float32) for name, value in outputs.items()} | {"number_next": number + 1}


def config(attention: bool = True) -> dict[str, Any]:
    inputs = {"keys": tensor("batch", 1, "past"), "held": tensor("batch", "past", mask=True)}
    inputs |= {"first": tensor("batch", 1), "number": tensor("batch", 1, dtype="int64"), "noise": tensor("batch", 1)}
    outputs = {"frames": tensor("batch", 1, 1), "stop": tensor("batch", 1), "attention": tensor("batch", "past")}
    outputs |= {"keys_new": tensor("batch", 1, 1), "number_next": tensor("batch", 1, dtype="int64")}
    states = {"keys": {"next": "keys_new", "provided": True, "append": True}, "number": {"next": "number_next"}}
    steps: dict[str, Any] = {"frames": "frames", "stop": "stop", "states": states, "noise": {"noise": "normal"}}
    return network("decoder", inputs, outputs, autoregressive=steps | ({"attention": "attention"} if attention else {}))


def decoder(run: Any = step, batch: int = 1, attention: bool = True, **fields: Any) -> AutoregressiveDecoder:
    contexts = {"default": {"runtime": "python", "batch": batch}}
    holder = addon([], {"decoder": run}, networks={"decoder": config(attention)}, contexts=contexts)
    return loaded(AutoregressiveDecoder(steps_per_token=STAY, spare_steps=0, **fields), holder)


def utterance(prompt: int, tokens: int, seed: int = 0) -> dict[str, Any]:
    """Return an utterance of words of two tokens each, after a prompt of this length."""
    words = [
        SimpleNamespace(text=f"w{i}", first_token=2 * i, tokens=2, start=3 * i, end=3 * i + 2)
        for i in range(tokens // 2)
    ]
    unit = SimpleNamespace(kind="sentence", text="all", start=0, end=3 * tokens)
    keys = np.zeros((1, prompt + tokens), np.float32)
    return {
        "keys": keys,
        "first": np.array([prompt], np.float32),
        "tokens": np.zeros(tokens, np.int64),
        "words": words,
        "unit": unit,
        "seed": seed,
        "text_start": 7,
    }


def events_of(block: AutoregressiveDecoder, inputs: dict[str, Any], size: int) -> list[Any]:
    timeline, schedule = Timeline(10.0), Schedule(first=size, growth=1.0001, largest=size)
    for _ in block.stream(iter(()), {**inputs, "timeline": timeline, "schedule": schedule}):
        pass
    return [event for event in timeline.take(1e9) if event.kind == "word"]


@pytest.mark.parametrize("prompt", [0, 5, 70])
def test_the_tokens_are_the_last_steps_that_a_cache_begins_with(prompt: int):
    inputs = utterance(prompt, 16)
    events = events_of(decoder(lag=LAG), inputs, 1)
    assert [(event.text, event.span) for event in events] == [(f"w{i}", (7 + 3 * i, 9 + 3 * i)) for i in range(8)]
    starts = [event.start for event in events]
    np.testing.assert_allclose(starts, 2 * STAY * np.arange(8) / 10, atol=0.15)
    ends = [event.start + event.duration for event in events]
    np.testing.assert_allclose(ends, [*starts[1:], 16 * STAY / 10])
    for size in (4, 1000):
        assert events_of(decoder(lag=LAG), inputs, size) == events


def test_streams_that_step_together_report_what_each_reports_alone():
    rows: list[tuple[int, int]] = []

    def slow(**inputs: np.ndarray) -> dict[str, np.ndarray]:
        rows.append((len(inputs["keys"]), len(set(inputs["held"].sum(1)))))
        time.sleep(0.0005)
        return step(**inputs)

    requests = [utterance(prompt, tokens, prompt) for prompt, tokens in ((0, 10), (9, 30), (60, 12), (3, 70), (64, 20))]
    block, results = decoder(slow, batch=4, lag=LAG), [[] for _ in requests]

    def run(number: int) -> None:
        results[number] = events_of(block, requests[number], 5 + number)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(requests))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(rows)[0] > 1
    assert any(lengths > 1 for _, lengths in rows), "caches of several lengths were in one batch"
    for found, inputs in zip(results, requests, strict=True):
        assert len(found) == len(inputs["words"])
        assert found == events_of(decoder(lag=LAG), inputs, 1)


def test_words_are_reported_within_the_lag():
    inputs, timeline = utterance(5, 30), Timeline(10.0)
    schedule, last = Schedule(first=1, growth=1.0001, largest=1), 0.0
    stream = decoder(lag=LAG).stream(iter(()), {**inputs, "timeline": timeline, "schedule": schedule})
    for number, _ in enumerate(stream, 1):
        found = [event for event in timeline.take(1e9) if event.kind == "word"]
        last = max([last, *(event.start + event.duration for event in found)])
        assert number / 10 - last <= (LAG + 2 * STAY + 4) / 10, "a word, and the lag"


def test_refusals():
    with pytest.raises(AddonError, match="reports no attention, so that 'lag' has nothing to align; leave it out"):
        decoder(attention=False, lag=LAG)
    with pytest.raises(AddonError, match="has no mask for what it attends to, so 'back'"):
        decoder(back=1)
    inputs = {**utterance(0, 8), "tokens": np.zeros(9, np.int64)}
    problem = "input 'keys': begins with 8 steps, and the utterance has 9 tokens; a cache that is attended begins with"
    with pytest.raises(NetworkError, match=problem):
        events_of(decoder(lag=LAG), inputs, 1)


def test_words_of_no_token_have_no_time():
    inputs = utterance(0, 8)
    inputs["words"].append(SimpleNamespace(text="rest", first_token=8, tokens=0, start=30, end=34))
    events = events_of(decoder(lag=LAG), inputs, 3)
    assert (events[-1].text, events[-1].start, events[-1].duration) == ("rest", pytest.approx(8 * STAY / 10), 0.0)
