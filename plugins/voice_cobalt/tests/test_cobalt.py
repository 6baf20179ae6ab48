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
    """The block of this type in the voice's stack."""
    found = [voice.block]
    for block in found:
        found.extend(child for _, child in children(block, ""))
    return next(block for block in found if type(block).__name__ == name)


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
    made = voice.addon.network(name)(**{key: arrays[f"inputs.{key}"] for key in spec.inputs})
    for key in spec.outputs:
        expected = arrays[f"outputs.{key}"]
        np.testing.assert_allclose(made[key], expected, atol=1e-4 * np.abs(expected).max())


def test_it_shares_the_vocoder_with_the_other_voice(voice: voxstack.Voice) -> None:
    amber = voxstack.load("amber")
    mine, hers = (block_of(one, "InverseSTFT") and one.addon.stream_network("vocoder") for one in (voice, amber))
    assert mine is hers
    assert voice.addon.network("pronunciation") is amber.addon.network("pronunciation")


@pytest.mark.parametrize("text", TEXTS)
def test_it_says_all_and_stops(voice: voxstack.Voice, text: str) -> None:
    speech = voice.synthesize(text)
    words = [event for event in speech.events if event.kind == "word"]
    assert alarms(speech) == []
    assert [word.text.strip(",.?") for word in words] == [word.strip(",.?") for word in text.split()]
    assert all(one.start < other.start for one, other in itertools.pairwise(words))
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
    behind = voice.block.lookahead
    assert first <= 1 + -(-behind // 4) + 1  # what refiner and vocoder look ahead, in steps of four frames
    assert len(calls) > 2 * first


@contextmanager
def counted(voice: voxstack.Voice) -> Iterator[list[Mapping[str, np.ndarray]]]:
    """The calls of the step network while this lasts."""
    calls: list[Mapping[str, np.ndarray]] = []
    with broken(voice, lambda run, **given: calls.append(given) or run(**given)):
        yield calls


@contextmanager
def broken(voice: voxstack.Voice, change: Callable[..., Mapping[str, np.ndarray]]) -> Iterator[None]:
    """The step network with ``change`` in its place, which is given what runs it."""
    network = voice.addon.network("step")
    run = network._run
    network._run = lambda **given: change(run, **given)
    try:
        yield
    finally:
        network._run = run


class Wrong:
    """Ways to break attention: each a step in place of the right one."""

    def __init__(self) -> None:
        self.steps = 0
        self.held: np.ndarray | None = None

    def never_stops(self, run: Any, **given: Any) -> Mapping[str, Any]:
        return {**run(**given), "stop": np.full((1, 1), -9, np.float32)}

    def stops_early(self, run: Any, **given: Any) -> Mapping[str, Any]:
        return {**run(**given), "stop": np.full((1, 1), 1 if self.steps == 30 else -1, np.float32)}

    def jumps_ahead(self, run: Any, **given: Any) -> Mapping[str, Any]:
        made = run(**given)
        return {**made, "position_next": made["position_next"] + (8 if self.steps == 30 else 0)}

    def goes_back(self, run: Any, **given: Any) -> Mapping[str, Any]:
        made = run(**given)
        return {**made, "position_next": np.maximum(made["position_next"] - (10 if self.steps == 40 else 0), 0)}

    def is_held(self, run: Any, **given: Any) -> Mapping[str, Any]:
        if self.steps == 30:
            self.held = given["position"]
        return run(**given) if self.held is None else run(**{**given, "position": self.held})

    def loses_its_place(self, run: Any, **given: Any) -> Mapping[str, Any]:
        return run(**{**given, "position": 0 * given["position"]})

    def hears_nothing(self, run: Any, **given: Any) -> Mapping[str, Any]:
        return run(**{**given, "previous": 0 * given["previous"], "history": 0 * given["history"]})

    def reads_the_opposite(self, run: Any, **given: Any) -> Mapping[str, Any]:
        keys = given["keys"].copy()
        keys[:, 20:26] *= -3
        return run(**{**given, "keys": keys})

    def does_not_see_the_end(self, run: Any, **given: Any) -> Mapping[str, Any]:
        mask = given["mask"].copy()
        mask[:, -10:] = 0
        return run(**{**given, "mask": mask})

    def runs_ahead(self, run: Any, **given: Any) -> Mapping[str, Any]:
        made = run(**given)
        faster = np.minimum(made["position_next"] + 2, given["keys"].shape[1] - 1)
        return {**made, "position_next": faster} if self.steps % 2 == 0 else made

    def goes_round(self, run: Any, **given: Any) -> Mapping[str, Any]:
        made = run(**given)
        return {**made, "position_next": np.where(made["position_next"] >= 25, 12, made["position_next"])}

    def wanders(self, run: Any, **given: Any) -> Mapping[str, Any]:
        made = run(**given)
        slip = np.random.default_rng(self.steps).integers(-6, 7)
        return {**made, "position_next": np.clip(made["position_next"] + slip, 0, given["keys"].shape[1] - 1)}

    def __call__(self, name: str) -> Callable[..., Mapping[str, Any]]:
        def step(run: Any, **given: Any) -> Mapping[str, Any]:
            self.steps += 1
            return getattr(self, name)(run, **given)

        return step


WAYS = [name for name in vars(Wrong) if not name.startswith("_")]


def free() -> voxstack.Voice:
    """The voice without a window around its attention."""
    voice = voxstack.load("cobalt")
    decoder = block_of(voice, "AutoregressiveDecoder")
    decoder.back = decoder.ahead = decoder.longest = None
    return voice


def test_broken_attention_gives_alarm() -> None:
    voice, found = free(), {}
    assert alarms(voice.synthesize(TEXT)) == []
    for way in WAYS:
        with broken(voice, Wrong()(way)):
            found[way] = alarms(voice.synthesize(TEXT))
    assert len(found) >= 12
    assert sum(bool(told) for told in found.values()) >= 0.9 * len(found), found
    assert "no stop" in found["never_stops"]
    assert found["stops_early"] == ["cut off"]
    assert found["jumps_ahead"][0] == "skipped"
    assert found["goes_back"][0] == "repeated"


@pytest.mark.parametrize("way", ["jumps_ahead", "goes_back"])
def test_a_window_keeps_it_to_the_text(voice: voxstack.Voice, way: str) -> None:
    whole = voice.synthesize(TEXT)
    with broken(voice, Wrong()(way)):
        speech = voice.synthesize(TEXT)
    assert alarms(speech) == []
    assert abs(len(speech.samples) - len(whole.samples)) < 0.3 * RATE


def test_streams_that_run_together_are_what_they_are_alone() -> None:
    voice = voxstack.load("cobalt", context="server")
    alone = [voice.synthesize(text).samples for text in TEXTS]
    made: list[Any] = [None] * 15

    def run(number: int) -> None:
        made[number] = voice.synthesize(TEXTS[number % len(TEXTS)]).samples

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(made))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number, samples in enumerate(made):
        expected = alone[number % len(TEXTS)]
        np.testing.assert_allclose(samples, expected, atol=1e-3 * np.abs(expected).max())


@pytest.mark.parametrize("context", ["fixed", "openvino", "torch"])
def test_it_says_the_same_elsewhere(voice: voxstack.Voice, context: str) -> None:
    if context != "fixed":
        pytest.importorskip(context, reason=f"{context} is an extra")
    whole, other = voice.synthesize(TEXT), voxstack.load("cobalt", context=context).synthesize(TEXT)
    assert alarms(other) == []
    assert len(other.samples) == len(whole.samples)
    np.testing.assert_allclose(other.samples, whole.samples, atol=2e-2 * np.abs(whole.samples).max())
