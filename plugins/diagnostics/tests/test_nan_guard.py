from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np
import pytest
from tiny import addon

import voxstack
from voxstack import BlockError, NetworkError, StreamableBlock, StreamableStack
from voxstack.networks.addon import Addon
from voxstack.streaming.faults import pull
from voxstack.streaming.timeline import Timeline
from voxstack_diagnostics.nan_guard import NanGuard
from voxstack_diagnostics.probe import Probe
from voxstack_diagnostics.stopwatch import Stopwatch


@dataclass
class Spoiling(StreamableBlock):
    """Gives frames of ones, with a NaN in the value 1 of step 37 and an infinity in step 61."""

    head = True

    def stream(self, source, utterance):
        frames = np.ones((100, 3), np.float32)
        frames[37, 1], frames[61, 0] = np.nan, np.inf
        yield from np.array_split(frames, 10)


@dataclass
class FirstValues(StreamableBlock):
    """Takes the first value of each frame as a sample."""

    makes = "samples"

    def stream(self, source, utterance):
        for chunk in source:
            yield chunk[:, 0]


def run(*blocks: StreamableBlock, **utterance) -> np.ndarray:
    return np.concatenate(list(StreamableStack(list(blocks)).stream(iter(()), utterance)))


@pytest.fixture
def log(caplog):
    caplog.set_level(logging.INFO, "voxstack.nan_guard")
    return caplog


def test_the_error_names_the_block_before_and_the_step():
    with pytest.raises(
        NetworkError, match=r"NanGuard: Spoiling gave a NaN at step 37, with shape \(3,\) a step; check"
    ):
        run(Spoiling(), NanGuard())


def test_a_guard_behind_wrappers_and_stacks_names_the_block_inside():
    with pytest.raises(NetworkError, match="NanGuard: Probe gave a NaN at step 37"):
        run(Stopwatch(StreamableStack([Spoiling(), Probe()])), NanGuard())


def test_it_names_the_place_in_the_stack():
    holder = addon([Spoiling, NanGuard, Probe])
    built = voxstack.build([{"type": "Spoiling"}, {"type": "Probe"}, {"type": "NanGuard"}], holder)
    with pytest.raises(NetworkError, match=r"NanGuard: stack\[1\] \(Probe\) gave a NaN at step 37"):
        list(pull(built, iter(()), {}))


def test_without_a_block_before_or_with_a_name_of_its_own():
    bad = [np.full(4, np.inf, np.float32)]
    with pytest.raises(NetworkError, match="the block before gave an infinity at step 0"):
        list(NanGuard().stream(iter(bad), {}))
    with pytest.raises(NetworkError, match="vocoder gave an infinity at step 0"):
        list(NanGuard(name="vocoder").stream(iter(bad), {}))


@pytest.mark.parametrize("action", ["report", "zero"])
def test_it_reports_and_goes_on(log, action):
    timeline = Timeline(1.0)
    made = run(Spoiling(), NanGuard(action), timeline=timeline)
    assert log.messages == [
        "Spoiling gave a NaN at step 37",
        "Spoiling: ended: 2 values in 2 of 100 steps are not finite",
    ]
    events = [(event.kind, event.text, event.start, event.duration) for event in timeline.take(1000)]
    assert events == [("alarm", "not finite: Spoiling", 37.0, 3.0), ("alarm", "not finite: Spoiling", 61.0, 9.0)]
    if action == "zero":
        assert (made[37, 1], made[61, 0], made.sum()) == (0, 0, 298)
    else:
        assert np.isnan(made[37, 1])
        assert np.isinf(made[61, 0])


def test_finite_chunks_and_those_of_other_kinds_are_handed_on(log):
    chunks = [np.ones(4, np.float32), np.ones((3, 2)), np.arange(5), np.ones(2, complex), np.array(["a"])]
    assert all(a is b for a, b in zip(NanGuard().stream(iter(chunks), {}), chunks, strict=True))
    assert log.messages == []


def test_a_voice_that_gives_nans_fails_with_the_name_of_the_block(write_addon):
    registry = addon([Spoiling, NanGuard, FirstValues]).registry
    stack = [{"type": "Spoiling"}, {"type": "NanGuard"}, {"type": "FirstValues"}]
    voice = voxstack.Voice(Addon.open(write_addon(stack=stack), registry))
    with pytest.raises(
        BlockError, match=r"stack\[1\]: NetworkError: NanGuard: stack\[0\] \(Spoiling\) gave a NaN at step 37"
    ):
        voice.synthesize("Hello.")
