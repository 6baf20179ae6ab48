"""Streamed results equal whole ones, on the default voice; receptive fields; the cost of the first chunk."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import voxstack
from voxstack import Schedule, windows
from voxstack.networks.addon import Addon
from voxstack.testing import Case, checks
from voxstack.testing.feeding import schedules
from voxstack_packager import receptive_field

SENTENCE = "She bought three pounds of fresh apples at the market this morning."
PARAGRAPH = f"{SENTENCE} Yes. Would you like a cup of tea, with a little milk and sugar? No!"
SCHEDULES = [
    Schedule(first=1, growth=1.0),
    Schedule(first=7, growth=1.0),
    Schedule(first=13, growth=1.7, largest=97),
    Schedule(),
    Schedule(first=32, growth=16.0, largest=512),
]
WHOLE = Schedule(first=10**6, largest=10**6)


@pytest.fixture(scope="module")
def voice() -> voxstack.Voice:
    return voxstack.load("amber", scheduler=voxstack.Scheduler(load=None, patience=None))


@pytest.fixture(scope="module")
def utterance(voice: voxstack.Voice) -> dict[str, Any]:
    """Return a sentence as the decoder's stack receives it."""
    blocks = [{"type": "Text"}, {"type": "Encoders"}, {"type": "Pace"}]
    request = voice.request(SENTENCE)
    return {**request, **voxstack.build({"type": "SequenceBlockContainer", "blocks": blocks}, voice.addon)(request)}


def stack_of(voice: voxstack.Voice, *specs: dict[str, Any]) -> Any:
    return voxstack.build(list(specs), voice.addon, available=["encoded", "durations", "lf0", "level"])


UPSAMPLER, DECODER, VOCODER = {"type": "Upsampler"}, {"type": "Decoder"}, {"type": "Decoder", "network": "vocoder"}
TO_SAMPLES = {"type": "InverseSTFT", "n_fft": 800, "hop_length": 200}


@pytest.mark.parametrize(
    "stack", [[UPSAMPLER, DECODER], [UPSAMPLER, DECODER, VOCODER, TO_SAMPLES]], ids=["frames", "samples"]
)
@pytest.mark.parametrize("schedule", SCHEDULES, ids=str)
def test_streamed_equals_whole(
    voice: voxstack.Voice, utterance: dict[str, Any], stack: list[Any], schedule: Schedule
) -> None:
    block = stack_of(voice, *stack)
    whole = np.concatenate(list(block.stream(iter(()), {**utterance, "schedule": WHOLE})))
    streamed = np.concatenate(list(block.stream(iter(()), {**utterance, "schedule": schedule})))
    assert streamed.shape == whole.shape
    assert np.abs(streamed - whole).max() <= 1e-5 * np.abs(whole).max()


@pytest.mark.parametrize("schedule", SCHEDULES[1:], ids=str)
def test_the_voice_says_the_same_for_every_schedule(voice: voxstack.Voice, schedule: Schedule) -> None:
    whole = voice.synthesize(PARAGRAPH).samples
    streamed = np.concatenate([chunk.samples for chunk in voice.stream(PARAGRAPH, schedule=schedule)])
    assert streamed.shape == whole.shape
    assert np.abs(streamed - whole).max() <= 1e-5 * np.abs(whole).max()


def test_streams_at_the_same_time_say_what_they_say_alone(voice: voxstack.Voice) -> None:
    """Four threads pull on one loaded voice in turn; every stream is what it is by itself, to the bit."""
    texts = [SENTENCE, "Yes.", "Nothing is where it was.", "One, two, three, four."]
    alone = [voice.synthesize(text).samples for text in texts]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda text: voice.synthesize(text).samples, texts * 3))
    for samples, expected in zip(together, alone * 3, strict=True):
        np.testing.assert_array_equal(samples, expected)


@pytest.mark.parametrize("spec", [DECODER, VOCODER], ids=["decoder", "vocoder"])
def test_streaming_blocks_keep_the_contract(
    voice: voxstack.Voice, utterance: dict[str, Any], spec: dict[str, Any]
) -> None:
    """Cut in ones, primes, at random and whole; streams of 0, 1, fewer than context and one chunk of frames."""
    upstream = [UPSAMPLER] if spec is DECODER else [UPSAMPLER, DECODER]
    source = np.concatenate(list(stack_of(voice, *upstream).stream(iter(()), utterance)))[:97]
    case = Case(voxstack.build(spec, voice.addon, available=[]), source=source, tolerance=1e-5)
    for check in (
        checks.check_ignores_how_the_source_is_cut,
        checks.check_waits_for_no_more_than_its_lookahead,
        checks.check_keeps_its_hop,
    ):
        check(case)


@pytest.mark.parametrize("name", ["decoder", "vocoder"])
def test_the_receptive_field_that_is_claimed_is_the_one_there_is(voice: voxstack.Voice, name: str) -> None:
    """Poison one frame at a fixed shape, and see which output frames change bit for bit."""
    network = voice.addon.network(name)
    streaming = network.spec.streaming
    assert streaming is not None
    example = dict(np.load(voice.addon.files.path("golden/decoder.npz"), allow_pickle=False))
    x = example["inputs.frames"] if name == "decoder" else example["outputs.mel"]

    def examples(sizes: Any, seed: int) -> dict[str, np.ndarray]:
        """Real frames, over and over."""
        repeated = np.concatenate([x] * (sizes["frames"] // x.shape[1] + 1), 1)[:, : sizes["frames"]]
        return {streaming.input: np.roll(repeated, seed, 1), "mask": np.ones((1, sizes["frames"]), np.float32)}

    field = receptive_field(network, network.spec, examples, "frames")
    assert (field.left, field.right) == (streaming.left, streaming.right)


def test_a_context_one_frame_short_would_be_seen(voice: voxstack.Voice) -> None:
    """The tolerance of these tests is tight enough: with half the context, results differ far more."""
    network = voice.addon.network("decoder")
    x = np.random.default_rng(0).standard_normal((150, 198)).astype(np.float32)
    whole = network.run_single(frames=x)["mel"]
    cut = [x[i : i + 50] for i in range(0, 150, 50)]
    half = np.concatenate(
        [network.run_single(frames=w.frames)["mel"][w.skip : w.skip + w.size] for w in windows(cut, 9, 9)]
    )
    assert np.abs(half - whole).max() > 1e-4 * np.abs(whole).max()


def test_the_first_chunk_of_a_minute_costs_three_percent_of_its_frames() -> None:
    """Frames through the networks are counted, in one utterance of a minute that is not cut at all."""
    shown: Counter[str] = Counter()

    @voxstack.hookimpl
    def voxstack_wrap_network(network: Any, spec: Any, context: Any) -> Any:
        if spec.streaming is None:
            return None

        def counted(**tensors: np.ndarray) -> Any:
            shown[spec.name] += tensors[spec.streaming.input].shape[1]
            return network(**tensors)

        return counted

    registry = voxstack.Registry.installed().with_plugins(
        {"counter": SimpleNamespace(voxstack_wrap_network=voxstack_wrap_network)}
    )
    voice = voxstack.Voice(Addon.open("amber", registry))
    minute = " ".join(["the river and the garden and the mountain in the morning"] * 28) + "."
    pipeline = voxstack.build(voice.addon.config["stack"][0]["block"], voice.addon)
    stream = pipeline.stream(iter(()), voice.request(minute))
    first = next(stream)
    cost = dict(shown)
    total = (len(first) + sum(len(samples) for samples in stream)) / 200
    assert total / 80 > 55, f"the sentence should last about a minute, and lasts {total / 80:.0f} s"
    assert cost.keys() == {"decoder", "vocoder"}
    assert max(cost.values()) <= 0.03 * total, f"{cost} of {total:.0f} frames"
    assert len(first) >= 0.2 * 16000


def test_schedules_are_the_ones_of_the_contract() -> None:
    assert [1] in schedules(97)
    assert len(schedules(97)) >= 4
