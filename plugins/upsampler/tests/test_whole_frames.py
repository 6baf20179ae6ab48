from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tiny import addon, loaded, plugin

import voxstack
from voxstack import (
    Frames,
    NetworkError,
    Registry,
    Schedule,
    SequenceBlock,
    StackError,
    StreamableBlock,
    Utterance,
    windows,
)
from voxstack.streaming.timeline import Timeline
from voxstack.testing import Case, parametrize_with_checks
from voxstack_upsampler.upsampler import Upsampler
from voxstack_upsampler.whole_frames import WholeFrames

RNG = np.random.default_rng(5)
MEL = RNG.standard_normal((97, 8)).astype(np.float32)
SAMPLES = RNG.standard_normal(4000).astype(np.float32)


@parametrize_with_checks(
    [
        Case(WholeFrames("mel", "mel"), {"mel": MEL}),
        Case(WholeFrames("latents"), {"latents": MEL, "durations": np.array([40.0, 57.0])}),
        Case(WholeFrames("mel", "mel"), {"mel": MEL[:0]}),
        Case(loaded(WholeFrames("audio", "samples"), addon()), {"audio": SAMPLES}),
    ]
)
def test_contract(case: Case, check: Any) -> None:
    check(case)


def parts(block: WholeFrames, whole: np.ndarray, schedule: Schedule, **more: Any) -> list[np.ndarray]:
    return list(block.stream(iter(()), {block.tensor: whole, "schedule": schedule, **more}))


def test_it_is_cut_as_an_upsampler_cuts() -> None:
    schedule = Schedule(first=8, growth=2, largest=20, lookahead=3)
    upsampled = Upsampler(positions=False).stream(
        iter(()), {"encoded": MEL, "durations": np.ones(97), "schedule": schedule}
    )
    for part, other in zip(parts(WholeFrames("mel", "mel"), MEL, schedule), upsampled, strict=True):
        np.testing.assert_array_equal(part, other)


def test_chunks_are_read_only_views() -> None:
    whole = MEL.copy()
    chunks = parts(WholeFrames("mel"), whole, Schedule(first=10, growth=1.0))
    assert len(chunks) == 10
    assert all(np.shares_memory(chunk, whole) and not chunk.flags.writeable for chunk in chunks)
    assert whole.flags.writeable, "the utterance's own array stays as it is"


def test_the_schedule_counts_frames_where_the_stream_is_of_samples() -> None:
    block = loaded(WholeFrames("audio", "samples"), addon(hop_length=10))
    schedule = Schedule(first=8, growth=2, largest=20, lookahead=7)
    assert [len(part) for part in parts(block, SAMPLES[:1000], schedule)] == [87, 160, 200, 200, 200, 153]


@pytest.mark.parametrize(
    ("block", "whole", "expected"),
    [
        (WholeFrames("x"), SAMPLES, r"'x' has the shape \(4000,\); a stream of 'frames' is \(frames, features\)"),
        (WholeFrames("x", "samples"), MEL, r"'x' has the shape \(97, 8\); a stream of 'samples' is \(samples,\)"),
        (WholeFrames("x"), MEL[None], r"\(1, 97, 8\)"),
    ],
)
def test_a_tensor_of_another_kind_is_refused(block: WholeFrames, whole: np.ndarray, expected: str) -> None:
    with pytest.raises(NetworkError, match=expected):
        parts(block, whole, Schedule())


@pytest.mark.parametrize("hop", [1, 3])
def test_durations_tell_what_is_said_when(hop: int) -> None:
    """Tokens of 2, 3, 1 and 4 frames; the tensor has ``hop`` times as many."""
    timeline = Timeline(10 * hop)
    word = SimpleNamespace(text="hi", start=3, end=5, first_token=1, tokens=2)
    utterance = {
        "durations": np.array([2.0, 3.0, 1.0, 4.0]),
        "words": [word],
        "phones": ["pau", "h", "i", "pau"],
        "timeline": timeline,
    }
    parts(WholeFrames("mel"), np.zeros((10 * hop, 2), np.float32), Schedule(), **utterance)
    events = [(event.text, round(event.start * 10), round(event.duration * 10)) for event in timeline.take(9)]
    assert events == [("pau", 0, 2), ("hi", 2, 4), ("h", 2, 3), ("i", 5, 1), ("pau", 6, 4)]


def test_durations_that_say_nothing_share_nothing() -> None:
    timeline = Timeline(10)
    parts(WholeFrames("mel"), MEL, Schedule(), durations=np.zeros(1), phones=["pau"], timeline=timeline)
    assert [(event.start, event.duration) for event in timeline.take(9)] == [(0, 0)]
    with pytest.raises(NetworkError, match="WholeFrames: 'durations' has values that are negative"):
        parts(WholeFrames("mel"), MEL, Schedule(), durations=np.array([-1.0]))


@dataclass
class Flow(SequenceBlock):
    """Needs the whole utterance: every frame depends on all others."""

    needs, gives = frozenset({"latents"}), frozenset({"flowed"})

    def __call__(self, utterance: Utterance) -> Utterance:
        return {"flowed": utterance["latents"] - utterance["latents"].mean(0)}


@dataclass
class Vocoder(StreamableBlock):
    """Adds the neighbours to each frame, and repeats it."""

    takes, makes, lookahead, hop = "mel", "samples", 1, 2.0

    def stream(self, source: Frames, utterance: Utterance) -> Frames:
        for window in windows(source, 1, 1):
            padded = np.pad(window.frames.sum(1), 1)
            samples = np.repeat(padded[:-2] + padded[1:-1] + padded[2:], 2)
            yield samples[window.skip * 2 : (window.skip + window.size) * 2]


def voice_of(**head: Any) -> StreamableBlock:
    stack = {
        "type": "StreamableStack",
        "stack": [{"type": "WholeFrames", "tensor": "flowed", **head}, {"type": "Vocoder"}],
    }
    pipeline = {"type": "StreamablePipeline", "sequence_block": {"type": "Flow"}, "streamable_block": stack}
    return voxstack.build(pipeline, registry=Registry({"test": plugin([Flow, Vocoder, WholeFrames])}))


def test_a_vocoder_behind_it_streams_and_makes_the_same() -> None:
    block = voice_of(makes_stream="mel")
    assert block.needs == {"latents"}
    chunks = list(block.stream(iter(()), {"latents": MEL, "schedule": Schedule(first=8, growth=1.0)}))
    assert [len(chunk) for chunk in chunks[:2]] == [16, 16], "the first chunk is longer by what the vocoder looks ahead"
    at_once = list(block.stream(iter(()), {"latents": MEL, "schedule": Schedule(first=1000)}))
    np.testing.assert_array_equal(np.concatenate(chunks), np.concatenate(at_once))


def test_a_stream_of_another_name_does_not_fit() -> None:
    holder = addon([Flow, Vocoder, WholeFrames])
    stack = [{"type": "WholeFrames", "tensor": "text"}, {"type": "Vocoder"}]
    with pytest.raises(StackError, match=r"Vocoder takes 'mel', but .* gives 'frames'"):
        voxstack.build(stack, holder)


def test_what_is_omitted_is_not_streamed_and_has_no_events() -> None:
    timeline = Timeline(sample_rate=1)
    utterance = {"durations": np.array([40.0, 50.0, 7.0]), "phones": ["a", "b", "c"], "timeline": timeline}
    chunks = parts(WholeFrames("mel", omitted=10), MEL, Schedule(first=20), **utterance)
    np.testing.assert_array_equal(np.concatenate(chunks), MEL[:-10])
    found = [(event.text, event.start, event.duration) for event in timeline.take(1000)]
    assert found == [("a", 0, 40), ("b", 40, 47), ("c", 87, 0)]
    assert parts(WholeFrames("mel", omitted=100), MEL, Schedule()) == []


def test_events_are_earlier_where_sounds_are():
    words = [SimpleNamespace(text=text, start=0, end=1, first_token=i, tokens=1) for i, text in enumerate("abc")]
    found = {}
    for early in (0.0, 1.5, 99.0):
        timeline = Timeline(1.0)
        utterance = {"samples": np.zeros(60, np.float32), "durations": np.array([1.0, 2.0, 3.0]), "words": words}
        block = loaded(WholeFrames("samples", "samples", early=early), addon(hop_length=10))
        list(block.stream(iter(()), {**utterance, "timeline": timeline}))
        found[early] = [(event.start, event.start + event.duration) for event in timeline.take(1e9)]
    assert found[0.0] == [(0, 10), (10, 30), (30, 60)]
    assert found[1.5] == [(0, 0), (0, 15), (15, 60)]
    assert found[99.0] == [(0, 0), (0, 0), (0, 60)]
