from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

import voxstack
import voxstack_voice_cobalt
from voxstack import Schedule
from voxstack.blocks import children
from voxstack_addon_spec import open_addon

RATE = 16000  # Hz
TEXT = "The old bridge across the river was closed for repairs last winter."
TEXTS = [
    TEXT,
    "Yes.",
    "No, no, no, no, no.",
    "She bought three pounds of fresh apples at the market, and then she walked all the way home in the rain.",
    "Where did you put the keys?",
]


@pytest.fixture(scope="module")
def voice() -> voxstack.Voice:
    return voxstack.load("cobalt")


def block_of(voice: voxstack.Voice, name: str) -> Any:
    """Return the block of this type in the voice's stack."""
    blocks = [voice.block]
    for block in blocks:
        blocks.extend(child for _, child in children(block, ""))
    return next(block for block in blocks if type(block).__name__ == name)


def alarms(speech: voxstack.Speech) -> list[str]:
    return [event.text.split(":")[0] for event in speech.events if event.kind == "alarm"]


def test_the_addon_is_whole(voice: voxstack.Voice) -> None:
    (folder,) = voxstack_voice_cobalt.voxstack_addons()
    with open_addon(folder) as files:
        files.verify()
    assert folder.name == voice.name == "cobalt"


@pytest.mark.parametrize("name", ["encoder", "step", "refiner"])
def test_networks_give_their_golden_vectors(voice: voxstack.Voice, name: str) -> None:
    spec = voice.addon.networks[name]
    with np.load(voice.addon.files.path(f"golden/{name}.npz"), allow_pickle=False) as golden:
        arrays = dict(golden)
    outputs = voice.addon.network(name)(**{key: arrays[f"inputs.{key}"] for key in spec.inputs})
    for key in spec.outputs:
        expected = arrays[f"outputs.{key}"]
        np.testing.assert_allclose(outputs[key], expected, atol=1e-4 * np.abs(expected).max())


def test_it_shares_the_vocoder_with_the_other_voice(voice: voxstack.Voice) -> None:
    amber = voxstack.load("amber")
    own, other = (block_of(each, "InverseSTFT") and each.addon.stream_network("vocoder") for each in (voice, amber))
    assert own is other
    assert voice.addon.network("pronunciation") is amber.addon.network("pronunciation")


@pytest.mark.parametrize("text", TEXTS)
def test_it_synthesizes_all_words_and_stops(voice: voxstack.Voice, text: str) -> None:
    speech = voice.synthesize(text)
    words = [event for event in speech.events if event.kind == "word"]
    assert alarms(speech) == []
    assert [word.text.strip(",.?") for word in words] == [word.strip(",.?") for word in text.split()]
    assert all(word.start < following.start for word, following in itertools.pairwise(words))
    assert 0.04 * len(text) < len(speech.samples) / RATE < 0.12 * len(text) + 0.8
    last = words[-1]
    assert last.start + last.duration <= len(speech.samples) / RATE


def test_events_come_with_the_audio_that_holds_them(voice: voxstack.Voice) -> None:
    start = 0.0
    for chunk in voice.stream(TEXT, schedule=Schedule(first=16, growth=1.0001, largest=16)):
        end = (chunk.start + len(chunk.samples)) / RATE
        for event in chunk.events:
            if event.kind in ("word", "phoneme"):
                assert start - 0.05 <= event.start + event.duration, f"{event} comes {start} s late"
                assert event.start < end
        start = chunk.start / RATE


@pytest.mark.parametrize("sizes", [(1, 1.0001, 1), (7, 1.3, 90), (24, 16.0, 512), (10**6, 2.0, 10**6)])
def test_samples_do_not_depend_on_the_schedule(voice: voxstack.Voice, sizes: tuple[int, float, int]) -> None:
    whole = voice.synthesize(TEXT).samples
    chunks = voice.stream(TEXT, schedule=Schedule(*sizes))
    np.testing.assert_allclose(
        np.concatenate([chunk.samples for chunk in chunks]), whole, atol=1e-3 * np.abs(whole).max()
    )


def test_the_first_audio_waits_for_a_few_steps(voice: voxstack.Voice) -> None:
    with counted(voice) as calls:
        stream = voice.stream(TEXT, schedule=Schedule(first=1))
        next(stream)
        first = len(calls)
        list(stream)
    lookahead = voice.block.lookahead  # of refiner and vocoder, in frames; a step has four
    assert first <= 1 + -(-lookahead // 4) + 1
    assert len(calls) > 2 * first


@contextmanager
def counted(voice: voxstack.Voice) -> Iterator[list[Mapping[str, np.ndarray]]]:
    """Record the inputs of all calls of the step network in this context."""
    calls: list[Mapping[str, np.ndarray]] = []
    with broken(voice, lambda run, **inputs: calls.append(inputs) or run(**inputs)):
        yield calls


@contextmanager
def broken(voice: voxstack.Voice, change: Callable[..., Mapping[str, np.ndarray]]) -> Iterator[None]:
    """Replace the step network by ``change`` in this context; its first argument runs the original network."""
    network = voice.addon.network("step")
    run = network._run
    network._run = lambda **inputs: change(run, **inputs)
    try:
        yield
    finally:
        network._run = run


class BrokenStep:
    """Ways to break attention, each a replacement of the step network."""

    def __init__(self) -> None:
        self.steps = 0
        self.held: np.ndarray | None = None

    def never_stops(self, run: Any, **inputs: Any) -> Mapping[str, Any]:
        return {**run(**inputs), "stop": np.full((1, 1), -9, np.float32)}

    def stops_early(self, run: Any, **inputs: Any) -> Mapping[str, Any]:
        return {**run(**inputs), "stop": np.full((1, 1), 1 if self.steps == 30 else -1, np.float32)}

    def jumps_ahead(self, run: Any, **inputs: Any) -> Mapping[str, Any]:
        outputs = run(**inputs)
        return {**outputs, "position_next": outputs["position_next"] + (8 if self.steps == 30 else 0)}

    def goes_back(self, run: Any, **inputs: Any) -> Mapping[str, Any]:
        outputs = run(**inputs)
        return {**outputs, "position_next": np.maximum(outputs["position_next"] - (10 if self.steps == 40 else 0), 0)}

    def is_held(self, run: Any, **inputs: Any) -> Mapping[str, Any]:
        if self.steps == 30:
            self.held = inputs["position"]
        return run(**inputs) if self.held is None else run(**{**inputs, "position": self.held})

    def loses_its_place(self, run: Any, **inputs: Any) -> Mapping[str, Any]:
        return run(**{**inputs, "position": 0 * inputs["position"]})

    def receives_nothing(self, run: Any, **inputs: Any) -> Mapping[str, Any]:
        return run(**{**inputs, "previous": 0 * inputs["previous"], "history": 0 * inputs["history"]})

    def reads_the_opposite(self, run: Any, **inputs: Any) -> Mapping[str, Any]:
        keys = inputs["keys"].copy()
        keys[:, 20:26] *= -3
        return run(**{**inputs, "keys": keys})

    def does_not_see_the_end(self, run: Any, **inputs: Any) -> Mapping[str, Any]:
        mask = inputs["mask"].copy()
        mask[:, -10:] = 0
        return run(**{**inputs, "mask": mask})

    def runs_ahead(self, run: Any, **inputs: Any) -> Mapping[str, Any]:
        outputs = run(**inputs)
        faster = np.minimum(outputs["position_next"] + 2, inputs["keys"].shape[1] - 1)
        return {**outputs, "position_next": faster} if self.steps % 2 == 0 else outputs

    def goes_round(self, run: Any, **inputs: Any) -> Mapping[str, Any]:
        outputs = run(**inputs)
        return {**outputs, "position_next": np.where(outputs["position_next"] >= 25, 12, outputs["position_next"])}

    def wanders(self, run: Any, **inputs: Any) -> Mapping[str, Any]:
        outputs = run(**inputs)
        slip = np.random.default_rng(self.steps).integers(-6, 7)
        return {**outputs, "position_next": np.clip(outputs["position_next"] + slip, 0, inputs["keys"].shape[1] - 1)}

    def __call__(self, name: str) -> Callable[..., Mapping[str, Any]]:
        def step(run: Any, **inputs: Any) -> Mapping[str, Any]:
            self.steps += 1
            return getattr(self, name)(run, **inputs)

        return step


WAYS = [name for name in vars(BrokenStep) if not name.startswith("_")]


def without_window() -> voxstack.Voice:
    """Load the voice without a window around its attention."""
    voice = voxstack.load("cobalt")
    decoder = block_of(voice, "AutoregressiveDecoder")
    decoder.back = decoder.ahead = decoder.longest = None
    return voice


def test_broken_attention_gives_alarm() -> None:
    voice, found = without_window(), {}
    assert alarms(voice.synthesize(TEXT)) == []
    for way in WAYS:
        with broken(voice, BrokenStep()(way)):
            found[way] = alarms(voice.synthesize(TEXT))
    assert len(found) >= 12
    assert sum(bool(kinds) for kinds in found.values()) >= 0.9 * len(found), found
    assert "no stop" in found["never_stops"]
    assert found["stops_early"] == ["cut off"]
    assert found["jumps_ahead"][0] == "skipped"
    assert found["goes_back"][0] == "repeated"


@pytest.mark.parametrize("way", ["jumps_ahead", "goes_back"])
def test_a_window_keeps_it_to_the_text(voice: voxstack.Voice, way: str) -> None:
    whole = voice.synthesize(TEXT)
    with broken(voice, BrokenStep()(way)):
        speech = voice.synthesize(TEXT)
    assert alarms(speech) == []
    assert abs(len(speech.samples) - len(whole.samples)) < 0.3 * RATE


def test_streams_that_run_together_are_the_same_as_alone() -> None:
    voice = voxstack.load("cobalt", context="server")
    alone = [voice.synthesize(text).samples for text in TEXTS]
    results: list[Any] = [None] * 15

    def run(number: int) -> None:
        results[number] = voice.synthesize(TEXTS[number % len(TEXTS)]).samples

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(results))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number, samples in enumerate(results):
        expected = alone[number % len(TEXTS)]
        np.testing.assert_allclose(samples, expected, atol=1e-3 * np.abs(expected).max())


@pytest.mark.parametrize("context", ["fixed", "openvino", "torch"])
def test_it_sounds_the_same_in_other_contexts(voice: voxstack.Voice, context: str) -> None:
    if context != "fixed":
        pytest.importorskip(context, reason=f"{context} is an extra")
    whole, other = voice.synthesize(TEXT), voxstack.load("cobalt", context=context).synthesize(TEXT)
    assert alarms(other) == []
    assert len(other.samples) == len(whole.samples)
    np.testing.assert_allclose(other.samples, whole.samples, atol=2e-2 * np.abs(whole.samples).max())
