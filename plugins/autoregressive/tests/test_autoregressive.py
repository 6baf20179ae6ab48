from __future__ import annotations

import threading
import time
import tracemalloc
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from interleaving import in_turns
from tiny import addon, loaded, network, tensor

import voxstack
from voxstack import AddonError, NetworkError, RequestError, Schedule
from voxstack.streaming.timeline import Timeline
from voxstack.testing import Case, parametrize_with_checks
from voxstack_autoregressive.decoder import AutoregressiveDecoder
from voxstack_autoregressive.decoding_state import DecodingState

GROUP, FEATURES, STAY = 3, 2, 2  # frames a step, their features, and steps for which a token is attended


def step(
    keys: np.ndarray, mask: np.ndarray, previous: np.ndarray, clock: np.ndarray, noise: Any = 0.0
) -> dict[str, np.ndarray]:
    """Run a step of a decoder that attends to every token for two steps, reads its own frames, and stops at a key.

    The last of a key's three numbers is above 0 in the token that ends an utterance. A masked token is not attended.
    """
    wanted = np.minimum(clock // STAY, keys.shape[1] - 1)  # (batch, 1)
    scores = np.where(mask > 0, -np.abs(np.arange(keys.shape[1]) - wanted - 0.25), -100.0)
    attention = np.exp(4 * scores) / np.exp(4 * scores).sum(1, keepdims=True)
    context = (attention[..., None] * keys).sum(1)
    frames = context[:, None, :FEATURES] + 0.5 * previous + 0.1 * np.arange(GROUP)[:, None] + np.asarray(noise)
    attended = keys[np.arange(len(keys)), attention.argmax(1)]
    ends = (attended[:, -1:] > 0) & (clock % STAY == STAY - 1)
    outputs = {"frames": frames, "stop": np.where(ends, 1.0, -1.0), "attention": attention, "previous_next": frames}
    return {name: value.astype(np.float32) for name, value in outputs.items()} | {"clock_next": clock + 1}


def config(**more: Any) -> dict[str, Any]:
    steps = {"frames": "frames", "stop": "stop", "attention": "attention"}
    steps |= {
        "states": {"previous": {"next": "previous_next"}, "clock": {"next": "clock_next"}},
        **more.pop("steps", {}),
    }
    inputs = {
        "keys": tensor("batch", "tokens", 3),
        "mask": tensor("batch", "tokens", mask=True),
        "previous": tensor("batch", GROUP, FEATURES),
    }
    inputs |= {"clock": tensor("batch", 1, dtype="int64"), **more.pop("inputs", {})}
    outputs = {
        "frames": tensor("batch", GROUP, FEATURES),
        "stop": tensor("batch", 1),
        "attention": tensor("batch", "tokens"),
    }
    outputs |= {"previous_next": tensor("batch", GROUP, FEATURES), "clock_next": tensor("batch", 1, dtype="int64")}
    return network("decoder", inputs, outputs, autoregressive=steps, **more)


def decoder(run: Any = step, batch: int = 1, spec: Any = None, **fields: Any) -> AutoregressiveDecoder:
    contexts = {"default": {"runtime": "python", "batch": batch}}
    holder = addon([], {"decoder": run}, networks={"decoder": spec or config()}, contexts=contexts)
    return loaded(AutoregressiveDecoder(**fields), holder)


def utterance(tokens: int, seed: int = 0, **more: Any) -> dict[str, Any]:
    keys = np.random.default_rng(seed).standard_normal((tokens, 3)).astype(np.float32)
    keys[:, -1] = 0
    keys[-1, -1] = 1
    return {"keys": keys, **more}


def decode(block: AutoregressiveDecoder, inputs: dict[str, Any], *sizes: int) -> np.ndarray:
    schedule = Schedule(first=sizes[0], growth=1.0001, largest=sizes[0]) if sizes else Schedule()
    return np.concatenate(list(block.stream(iter(()), {**inputs, "schedule": schedule})))


NOISY = config(inputs={"noise": tensor("batch", GROUP, FEATURES)}, steps={"noise": {"noise": "normal"}})
CASES = [
    Case(decoder(), utterance(9)),
    Case(decoder(back=0, ahead=2), utterance(9)),
    Case(decoder(longest=3), utterance(9)),
    Case(decoder(spec=NOISY), utterance(9, seed=3)),
    Case(decoder(batch=4), utterance(9)),
]


@parametrize_with_checks(CASES)
def test_contract(case: Case, check: Any):
    check(case)


def test_it_says_what_its_steps_say_and_stops():
    inputs = utterance(5)
    frames = decode(decoder(), inputs)
    state = {"previous": np.zeros((1, GROUP, FEATURES), np.float32), "clock": np.zeros((1, 1), np.int64)}
    expected = []
    for _ in range(5 * STAY):
        now = step(inputs["keys"][None], np.ones((1, 5), np.float32), **state)
        expected.append(now["frames"][0])
        state = {name: now[f"{name}_next"] for name in state}
    np.testing.assert_array_equal(frames, np.concatenate(expected))


@pytest.mark.parametrize("size, calls", [(1, 1), (3, 1), (4, 2), (30, 10)])
def test_the_first_frames_come_after_as_many_steps_as_they_take(size: int, calls: int):
    ran: list[int] = []
    stream = decoder(lambda **inputs: ran.append(1) or step(**inputs)).stream(
        iter(()), {**utterance(20), "schedule": Schedule(first=size, growth=2.0, largest=64)}
    )
    assert len(next(stream)) == calls * GROUP
    assert len(ran) == calls


def test_it_ends_without_a_stop():
    ends: list[Any] = []
    endless = {**utterance(10), "attention_watch": lambda *seen, stopped=None: ends.append(stopped)}
    endless["keys"][:, -1] = 0
    assert len(decode(decoder(steps_per_token=1.5, spare_steps=4), endless)) == GROUP * (15 + 4)
    assert ends[-1] is False


def test_its_limit_may_be_the_same_for_every_text():
    endless = utterance(10)
    endless["keys"][:, -1] = 0
    assert len(decode(decoder(steps_per_token=0, spare_steps=7), endless)) == GROUP * 7


def test_it_makes_a_step_at_least():
    assert len(decode(decoder(steps_per_token=0.01, spare_steps=0), utterance(10))) == GROUP


def test_it_looks_only_where_it_may():
    seen: list[np.ndarray] = []

    def hasty(**inputs: Any) -> dict[str, np.ndarray]:
        outputs = step(**{**inputs, "clock": 5 * inputs["clock"]})  # would be five tokens on after two steps
        return {**outputs, "clock_next": inputs["clock"] + 1}

    watched = {
        **utterance(30),
        "attention_watch": lambda attention, *_, **__: seen.append(attention) if attention is not None else None,
    }
    decode(decoder(hasty), watched)
    free = np.diff(np.concatenate(seen).argmax(1))
    seen.clear()
    decode(decoder(hasty, back=0, ahead=1), watched)
    held = np.diff(np.concatenate(seen).argmax(1))
    assert free.max() > 1
    assert held.max() == 1
    assert held.min() >= 0


def test_monotonic_attention_never_goes_back():
    def shaky(**inputs: Any) -> dict[str, np.ndarray]:
        clock = inputs["clock"]
        outputs = step(**{**inputs, "clock": np.where(clock % 5 == 4, np.maximum(clock - 8, 0), clock)})
        return {**outputs, "clock_next": clock + 1}

    rows: list[np.ndarray] = []
    watched = {
        **utterance(12),
        "attention_watch": lambda attention, *_, **__: rows.append(attention) if attention is not None else None,
    }
    decode(decoder(shaky), watched)
    assert np.diff(np.concatenate(rows).argmax(1)).min() < 0
    rows.clear()
    decode(decoder(shaky, back=0), watched)
    assert np.diff(np.concatenate(rows).argmax(1)).min() == 0


def dawdling(since: int) -> Any:
    """Return a decoder that stays on the token that it reaches at step ``since``, unless that is masked."""

    def run(**inputs: Any) -> dict[str, np.ndarray]:
        clock = inputs["clock"]
        wanted = np.minimum(clock // STAY, since // STAY)
        seen = inputs["mask"].argmax(1)[:, None]  # the first that may be attended
        outputs = step(**{**inputs, "clock": STAY * np.maximum(wanted, seen) + clock % STAY})
        return {**outputs, "clock_next": clock + 1}

    return run


@pytest.mark.parametrize("batch", [1, 4])
def test_it_leaves_a_token_at_last_and_ends_behind_the_last(batch: int):
    rows: list[np.ndarray] = []
    watched = {
        **utterance(9),
        "attention_watch": lambda attention, *_, **end: rows.append(attention if attention is not None else end),
    }
    watched["keys"][:, -1] = 0  # it never says that it has ended
    assert len(decode(decoder(dawdling(6), batch=batch), watched)) == GROUP * (4 * 9 + 20)
    assert rows.pop() == {"stopped": False}
    rows.clear()
    decode(decoder(dawdling(6), batch=batch, longest=5), watched, 12)
    assert rows.pop() == {"stopped": True}
    stays = np.bincount(np.concatenate(rows).argmax(1), minlength=9)
    assert stays.tolist() == [2, 2, 2, 5, 5, 5, 5, 5, 5]


def test_noise_is_that_of_the_seed():
    block = decoder(spec=NOISY)
    first, again, other = (decode(block, utterance(6, seed=1) | {"seed": seed}) for seed in (7, 7, 8))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.1
    np.testing.assert_array_equal(decode(block, {**utterance(6, seed=1), "seed": 7}, 1), first)
    np.testing.assert_array_equal(
        decode(block, utterance(6, seed=1)), decode(block, {**utterance(6, seed=1), "seed": 0})
    )
    with pytest.raises(RequestError, match="seed is -7, and must be an integer from 0 on"):
        decode(block, {**utterance(6, seed=1), "seed": -7})


def test_a_cache_that_grows():
    def caching(
        keys: np.ndarray, mask: np.ndarray, previous: np.ndarray, clock: np.ndarray, cache: np.ndarray
    ) -> dict[str, np.ndarray]:
        outputs = step(keys, mask, previous, clock)
        assert cache.shape[1] == clock[0, 0]
        outputs["frames"] = outputs["frames"] + np.sum(cache, dtype=np.float32)
        return {**outputs, "cache_next": np.concatenate([cache, outputs["frames"][:, :1, :1]], 1)}

    spec = config(inputs={"cache": tensor("batch", "past", 1)})
    spec["outputs"]["cache_next"] = tensor("batch", "past_next", 1)
    spec["autoregressive"]["states"]["cache"] = {"next": "cache_next", "steps": 0}
    block = decoder(caching, spec=spec)
    np.testing.assert_array_equal(decode(block, utterance(8), 1), decode(block, utterance(8)))


def test_memory_does_not_grow_with_what_is_said():
    def peak(tokens: int) -> int:
        block, inputs = decoder(), {**utterance(500), "schedule": Schedule(first=64, growth=1.0001, largest=64)}
        inputs["keys"][:, -1] = 0
        inputs["keys"][tokens - 1, -1] = 1
        tracemalloc.start()
        try:
            for _ in block.stream(iter(()), inputs):
                pass
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(20)  # allocations that happen once
    short, long = peak(20), peak(500)
    assert long < short + 20_000, (short, long)


def test_words_and_phones_are_reported_with_where_they_were_attended():
    timeline = Timeline(100.0)
    words = [
        SimpleNamespace(text="ab", first_token=0, tokens=2, start=4, end=6),
        SimpleNamespace(text="c", first_token=2, tokens=1, start=7, end=8),
    ]
    unit = SimpleNamespace(kind="sentence", text="ab c", start=4, end=8)
    mark = SimpleNamespace(text="here", token=2, start=7, end=7)
    named = {
        "phones": ["a", "b", "c", "pau"],
        "words": words,
        "unit": unit,
        "marks": [mark],
        "timeline": timeline,
        "text_start": 10,
    }
    frames = decode(decoder(), utterance(4, **named), 1)
    events = list(timeline.take(float("inf")))
    lasts = STAY * GROUP / 100
    phones = {event.text: event for event in events if event.kind == "phoneme"}
    assert [*phones] == ["a", "b", "c", "pau"]
    for number, event in enumerate(phones.values()):
        assert event.start == pytest.approx(number * lasts, abs=0.4 * lasts)
    assert sum(event.duration for event in phones.values()) == pytest.approx(len(frames) / 100, abs=1e-3)
    assert [(e.text, e.span) for e in events if e.kind == "word"] == [("ab", (14, 16)), ("c", (17, 18))]
    assert [(e.text, e.start) for e in events if e.kind == "mark"] == [("here", phones["c"].start)]
    assert [(e.text, e.duration) for e in events if e.kind == "sentence"] == [
        ("ab c", pytest.approx(len(frames) / 100, abs=1e-3))
    ]


def test_words_are_reported_when_they_have_been_said():
    timeline, words = (
        Timeline(100.0),
        [SimpleNamespace(text=str(i), first_token=i, tokens=1, start=i, end=i + 1) for i in range(8)],
    )
    stream = decoder().stream(
        iter(()),
        utterance(8, words=words, timeline=timeline) | {"schedule": Schedule(first=18, growth=1.0001, largest=18)},
    )
    frames = len(next(stream))
    reported = [event.text for event in timeline.take(float("inf"))]
    assert frames == 18  # six steps: three tokens
    assert reported == ["0"]  # the tokens next to the others may still get a share


def concurrent(
    block: AutoregressiveDecoder, inputs: list[dict[str, Any]], turns: bool = True, size: int = 12
) -> list[Any]:
    """Return the frames of streams that run at the same time, or the error that each ended with."""
    scheduler, results = voxstack.Scheduler(2, load=None, patience=None), [None] * len(inputs)
    start = threading.Barrier(len(inputs))

    def run(number: int) -> None:
        schedule = Schedule(first=size, growth=1.0001, largest=size)
        stream = block.stream(iter(()), {**inputs[number], "schedule": schedule})
        start.wait()
        try:
            results[number] = np.concatenate(list(in_turns(stream, scheduler) if turns else stream))
        except Exception as error:
            results[number] = error

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(inputs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    return results


def test_the_streams_that_wait_for_a_turn_go_first_and_join_the_batch():
    rows: list[int] = []

    def run(**inputs: np.ndarray) -> Any:
        rows.append(len(inputs["keys"]))
        return step(**inputs)

    block, scheduler, results = decoder(run, batch=4), voxstack.Scheduler(1, load=None, patience=None), {}

    def speak(number: int) -> None:
        stream = block.stream(iter(()), {**utterance(5, seed=number), "schedule": Schedule(first=100)})
        results[number] = np.concatenate(list(in_turns(stream, scheduler)))

    threads = [threading.Thread(target=speak, args=(number,)) for number in range(4)]
    with scheduler.admit("other", lambda: -1.0, refuse=False).turn():
        for thread in threads:
            thread.start()
        deadline = time.monotonic() + 20
        while scheduler.queue.wanted < 4:
            assert time.monotonic() < deadline, "they never waited"
            time.sleep(0.0005)
    for thread in threads:
        thread.join(20)
    assert rows[0] == 4, "the first stream ran alone while others waited for its turn"
    for number, frames in results.items():
        np.testing.assert_array_equal(frames, decode(decoder(), utterance(5, seed=number)))


def test_steps_that_others_of_the_batch_needed_wait_for_the_next_chunk():
    block = decoder(batch=6)
    alone = [decode(block, utterance(5, seed=number), 12) for number in range(2)]
    states = []
    for number, steps in enumerate((2, 5)):
        states.append(DecodingState(block._network, utterance(5, seed=number), 0, 4.0, 20))
        states[-1].wanted = steps
    batch = block._stack(states)
    batch.run(8)
    batch.unstack()
    assert [(state.wanted, state.held) for state in states] == [(-3, 5), (0, 5)]
    assert all(state.complete and state.done for state in states)
    for state, expected in zip(states, alone, strict=True):
        assert len(state.take(2).frames) == 2 * GROUP
        assert state.held == 3
        np.testing.assert_array_equal(state.take(9).frames, expected[2 * GROUP : 5 * GROUP])


@pytest.mark.parametrize("turns", [True, False])
@pytest.mark.parametrize("spec", [config(), NOISY], ids=["plain", "noisy"])
def test_concurrent_streams_are_made_together_and_each_is_what_it_is_alone(turns: bool, spec: Any):
    rows: list[int] = []

    def slow(**inputs: Any) -> dict[str, np.ndarray]:
        rows.append(len(inputs["keys"]))
        time.sleep(0.0005)
        return step(**inputs)

    block = decoder(slow, batch=6, spec=spec, group=16, back=1, ahead=3)
    inputs = [utterance(5 + 2 * number, seed=number) for number in range(12)]
    alone = [decode(block, stream, 12) for stream in inputs]
    assert max(rows) == 1
    rows.clear()
    for expected, frames in zip(alone, concurrent(block, inputs, turns), strict=True):
        np.testing.assert_array_equal(frames, expected)
    assert 1 < max(rows) <= 6
    assert len(rows) < 0.7 * sum(len(frames) // GROUP for frames in alone)


@pytest.mark.parametrize("since", [0, 11])
def test_what_fails_fails_alone(since: int):
    def touchy(**inputs: Any) -> dict[str, np.ndarray]:
        time.sleep(0.0005)
        if ((inputs["keys"][:, 0, 0] == 99) & (inputs["clock"][:, 0] >= since)).any():
            raise RuntimeError("no 99, please")
        return step(**inputs)

    block = decoder(touchy, batch=8, group=16)
    inputs = [utterance(6 + number, seed=number) for number in range(8)]
    alone = [decode(block, stream, 12) for stream in inputs]
    inputs[3]["keys"][0, 0] = 99
    results = concurrent(block, inputs, size=60)
    assert isinstance(results[3], NetworkError)
    assert isinstance(results[3].__cause__, RuntimeError)
    for number in {*range(8)} - {3}:
        np.testing.assert_array_equal(results[number], alone[number])


def test_streams_that_are_left_hold_nobody_up():
    def slow(**inputs: Any) -> dict[str, np.ndarray]:
        time.sleep(0.0005)
        return step(**inputs)

    block = decoder(slow, batch=4, group=16)
    left = block.stream(iter(()), utterance(30) | {"schedule": Schedule(first=3, growth=1.0001, largest=3)})
    next(left)
    left.close()
    inputs = [utterance(6 + number, seed=number) for number in range(4)]
    for frames, stream in zip(concurrent(block, inputs), inputs, strict=True):
        np.testing.assert_array_equal(frames, decode(block, stream, 12))


def test_padding_for_company_changes_nothing():
    np.testing.assert_allclose(
        decode(decoder(batch=4, group=64), utterance(7)), decode(decoder(), utterance(7)), atol=1e-6
    )


def test_a_network_whose_rows_depend_on_each_other_speaks_alone():
    rows: list[int] = []
    spec = {**config(), "measured": {"batch_error": 0.01}}
    block = decoder(
        lambda **inputs: (rows.append(len(inputs["keys"])), time.sleep(0.0005), step(**inputs))[2], batch=8, spec=spec
    )
    concurrent(block, [utterance(6, seed=number) for number in range(6)])
    assert set(rows) == {1}


def test_refusals():
    streaming = network("decoder", {"frames": tensor("batch", "frames", 2)}, {"mel": tensor("batch", "frames", 2)})
    with pytest.raises(
        AddonError, match="AutoregressiveDecoder needs one network that is 'autoregressive', and there are: none"
    ):
        decoder(spec=streaming)
    with pytest.raises(AddonError, match="has no 'autoregressive'"):
        decoder(spec=streaming, network="decoder")
    blind = config()
    del blind["autoregressive"]["attention"]
    for bound in ({"ahead": 3}, {"back": 0}, {"longest": 9}):
        with pytest.raises(AddonError, match="so 'back', 'ahead' and 'longest' cannot be enforced"):
            decoder(spec=blind, **bound)
    networks = {"one": config(), "two": config()}
    with pytest.raises(AddonError, match="there are: one, two; name one"):
        loaded(AutoregressiveDecoder(), addon([], {"one": step, "two": step}, networks=networks))
    assert len(
        decode(loaded(AutoregressiveDecoder(network="two"), addon([], {"two": step}, networks=networks)), utterance(3))
    )


def test_what_does_not_fit_is_told():
    with pytest.raises(NetworkError, match=r"input 'keys': takes axes \['batch', 'tokens', 3\]"):
        decode(decoder(), {"keys": np.zeros((4, 5), np.float32)})


def test_pauses_and_rates_that_it_cannot_keep_are_told(caplog: pytest.LogCaptureFixture):
    decode(decoder(), utterance(4, pauses=np.full(4, np.nan), rates=np.array([1.0, 1.0, 1.0, 1.5])))
    assert not caplog.records
    decode(
        decoder(), utterance(4, pauses=np.array([np.nan, 0.5, np.nan, np.nan]), rates=np.array([1.0, 2.0, 2.0, 1.0]))
    )
    warnings = [record.getMessage().split(":")[0] for record in caplog.records]
    assert warnings == ["1 pauses of a given length are ignored", "2 phones at a given rate are ignored"]
